package discord

// Markdown is the renderer, for tests of its rules one by one.
var Markdown = markdown
