// Package locales holds every sentence that people read, one file a language,
// with its plural forms and the way it writes numbers, dates and ages. Nobody
// else holds a user-visible sentence. A Language is immutable and safe for
// concurrent use; the package owns no goroutine and reads no clock.
//
// A message may hold {placeholders}, *bold* and `code`. What is put into a
// placeholder is never read as markup. Numbers are formatted here and put in as
// finished pieces, so no sentence has a "$" or "%" of its own.
package locales

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"github.com/nicksnyder/go-i18n/v2/i18n/template"
	"golang.org/x/text/language"

	"liqbot/chat"
)

//go:embed *.toml
var files embed.FS

// Default is the language of everyone whose language is not known.
const Default = "en"

// Language words things in one language.
type Language struct {
	tag       string
	numbers   numbers
	localizer *i18n.Localizer
	// templates caches parsed messages by their raw text.
	templates *sync.Map
	// zone is the one that times are written in, nil for UTC.
	zone *time.Location
}

// In is the language with its times in a zone, nil for UTC.
func (l *Language) In(zone *time.Location) *Language {
	out := *l
	out.zone = zone
	return &out
}

// Zone is the time zone in which times are written.
func (l *Language) Zone() *time.Location {
	if l.zone == nil {
		return time.UTC
	}
	return l.zone
}

// registry is all languages, read from the embedded files once.
var registry = sync.OnceValue(func() map[string]*Language {
	all, err := load(files)
	if err != nil {
		panic(fmt.Sprintf("locales: embedded files: %v", err))
	}
	return all
})

func load(dir fs.FS) (map[string]*Language, error) {
	names, err := fs.Glob(dir, "*.toml")
	if err != nil {
		return nil, fmt.Errorf("list locale files: %w", err)
	}
	bundle := i18n.NewBundle(language.English)
	bundle.RegisterUnmarshalFunc("toml", unmarshalMessages)
	all := make(map[string]*Language)
	for _, name := range names {
		text, err := fs.ReadFile(dir, name)
		if err != nil {
			return nil, fmt.Errorf("read locale %s: %w", name, err)
		}
		tag := strings.TrimSuffix(path.Base(name), ".toml")
		var head struct{ Numbers numbers }
		if err := toml.Unmarshal(text, &head); err != nil {
			return nil, fmt.Errorf("parse numbers of %s: %w", name, err)
		}
		if _, err := bundle.ParseMessageFileBytes(text, name); err != nil {
			return nil, fmt.Errorf("parse messages of %s: %w", name, err)
		}
		all[tag] = &Language{tag: tag, numbers: head.Numbers, templates: new(sync.Map)}
	}
	for tag, l := range all {
		l.localizer = i18n.NewLocalizer(bundle, tag, Default)
	}
	return all, nil
}

// unmarshalMessages reads a locale file without its [numbers] table, which is no
// message.
func unmarshalMessages(data []byte, v any) error {
	var raw map[string]any
	if err := toml.Unmarshal(data, &raw); err != nil {
		return err
	}
	delete(raw, "numbers")
	target, ok := v.(*any)
	if !ok {
		return fmt.Errorf("unexpected target %T", v)
	}
	*target = raw
	return nil
}

// Tags lists the languages, the default first, the rest in alphabetic order.
func Tags() []string {
	var tags []string
	for tag := range registry() {
		if tag != Default {
			tags = append(tags, tag)
		}
	}
	slices.Sort(tags)
	return append([]string{Default}, tags...)
}

// For returns the language with exactly this tag, else the default one.
func For(tag string) *Language {
	if l, ok := registry()[tag]; ok {
		return l
	}
	return registry()[Default]
}

// Tag is the language's BCP 47 tag, such as "zh-Hans".
func (l *Language) Tag() string { return l.tag }

// Say words a message without styles. Args are pairs of a placeholder's name and
// the text to put there.
func (l *Language) Say(key string, args ...string) string {
	return l.template(l.raw(key, nil)).text(args).String()
}

// Text words a message with its styles.
func (l *Language) Text(key string, args ...string) chat.Text {
	return l.template(l.raw(key, nil)).text(args)
}

// Count words a message in the plural form for n, which is also put into {n}.
func (l *Language) Count(key string, n int, args ...string) string {
	args = append(args, "n", l.Number(float64(n), 0))
	return l.template(l.raw(key, n)).text(args).String()
}

// raw returns the message as it stands in the file. A key that is nowhere is
// shown as itself: the tests keep that from happening.
func (l *Language) raw(key string, count any) string {
	s, err := l.localizer.Localize(&i18n.LocalizeConfig{
		MessageID:      key,
		PluralCount:    count,
		TemplateParser: template.IdentityParser{},
	})
	if err != nil && s == "" {
		return key
	}
	return s
}

// Each returns a message in every language, by tag: for a platform's menus.
func Each(key string, args ...string) map[string]string {
	all := make(map[string]string)
	for tag, l := range registry() {
		all[tag] = l.Say(key, args...)
	}
	return all
}
