package locales

import "strings"

// aliases are tags that do not lead to a language by cutting them at the hyphens.
// Sources: Telegram's User.language_code as seen in updates, Discord's list of
// locales (https://discord.com/developers/docs/reference#locales).
var aliases = map[string]string{
	"zh":            "zh-Hans",
	"zh-cn":         "zh-Hans",
	"zh-sg":         "zh-Hans",
	"classic-zh-cn": "zh-Hans",
	"zh-tw":         "zh-Hant",
	"zh-hk":         "zh-Hant",
	"zh-mo":         "zh-Hant",
	"yue":           "zh-Hant",
	"pt":            "pt-BR",
	"ua":            "uk",
	"in":            "id",
	"ms":            "id",
	"pes":           "fa",
	"prs":           "fa",
}

// maxHint is the longest tag that is looked at, in bytes.
const maxHint = 35

// Match finds the language for a platform's tag or what a member typed behind
// /lang, such as "zh-hans-raw", "en-US" or "RU". It reports false when the bot
// does not speak the language; a reader of Traditional Chinese gets Simplified
// rather than English.
func Match(hint string) (string, bool) {
	if len(hint) > maxHint {
		return "", false
	}
	tag := strings.ReplaceAll(strings.ToLower(strings.TrimSpace(hint)), "_", "-")
	for ; tag != ""; tag = cut(tag) {
		if own, ok := canonical(tag); ok {
			return own, true
		}
		if own, ok := aliases[tag]; ok {
			if _, spoken := registry()[own]; spoken {
				return own, true
			}
		}
	}
	return "", false
}

func canonical(tag string) (string, bool) {
	for own, l := range registry() {
		if strings.EqualFold(own, tag) || strings.EqualFold(l.Name(), tag) {
			return own, true
		}
	}
	return "", false
}

// cut drops the last subtag.
func cut(tag string) string {
	i := strings.LastIndexByte(tag, '-')
	if i < 0 {
		return ""
	}
	return tag[:i]
}

// Name is the language's name in itself: "Русский".
func (l *Language) Name() string { return l.Say("language.name") }
