package webchat

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"golang.org/x/text/language"

	"liqbot/locales"
)

//go:embed page
var pageFiles embed.FS

// forever is the caching of what never changes under its URL.
const forever = "private, max-age=31536000, immutable"

// page is the HTML in every language, made once, and the files that it loads.
type page struct {
	html   map[string][]byte
	assets map[string]asset
}

// asset is a file of the page. Its version is in the URL under which the page
// loads it, so a new binary is never shown with an old script.
type asset struct {
	kind, version string
	body          []byte
}

// examples are the commands offered above the input.
var examples = [...]string{"/liq btc", "/subscribe btc", "/liq eth 7d", "/levels btc", "/price btc", "/coins", "/help"}

// loadPage reads the embedded files and words the page in every language.
func loadPage(demo bool) (*page, error) {
	p := &page{html: make(map[string][]byte)}
	files, err := fs.Sub(pageFiles, "page")
	if err != nil {
		return nil, fmt.Errorf("webchat: read page: %w", err)
	}
	if p.assets, err = loadAssets(files); err != nil {
		return nil, err
	}
	t, err := template.New("chat.html").Funcs(template.FuncMap{"asset": p.url}).ParseFS(files, "chat.html")
	if err != nil {
		return nil, fmt.Errorf("webchat: parse page: %w", err)
	}
	for _, tag := range locales.Tags() {
		var html bytes.Buffer
		if err := t.Execute(&html, pageData{Language: locales.For(tag), Demo: demo, Examples: examples[:]}); err != nil {
			return nil, fmt.Errorf("webchat: word page in %s: %w", tag, err)
		}
		p.html[tag] = html.Bytes()
	}
	return p, nil
}

// kinds are the files that the page may load, by extension.
var kinds = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

func loadAssets(files fs.FS) (map[string]asset, error) {
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		return nil, fmt.Errorf("webchat: read page: %w", err)
	}
	assets := make(map[string]asset)
	for _, e := range entries {
		kind, isAsset := kinds[path.Ext(e.Name())]
		if !isAsset {
			continue
		}
		body, err := fs.ReadFile(files, e.Name())
		if err != nil {
			return nil, fmt.Errorf("webchat: read page: %w", err)
		}
		sum := sha256.Sum256(body)
		assets[e.Name()] = asset{kind: kind, version: hex.EncodeToString(sum[:6]), body: body}
	}
	return assets, nil
}

// url is the address of an asset of this very version.
func (p *page) url(name string) string { return "/assets/" + name + "?v=" + p.assets[name].version }

// pageData is what chat.html is filled with.
type pageData struct {
	*locales.Language

	Demo     bool
	Examples []string
}

// Styled words a message with its styles, for the HTML.
func (d pageData) Styled(key string) []span { return spans(d.Text(key)) }

func (s *Server) servePage(w http.ResponseWriter, r *http.Request) {
	s.keepSession(w, r)
	s.cfg.Count("page")
	tag := s.speak(r)
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", tag)
	h.Set("Vary", "Accept-Language")
	_, _ = w.Write(s.page.html[tag]) // an error is a browser that left
}

func (s *Server) serveAsset(w http.ResponseWriter, r *http.Request) {
	a, known := s.page.assets[r.PathValue("name")]
	if !known {
		s.refuse(w, r, http.StatusNotFound, "not_found")
		return
	}
	w.Header().Set("Content-Type", a.kind)
	if r.URL.Query().Get("v") == a.version {
		w.Header().Set("Cache-Control", forever)
	}
	_, _ = w.Write(a.body) // an error is a browser that left
}

// hint is the member's language as the browser tells it: the first one that the
// bot speaks, else the first one, "" for none. The syntax of Accept-Language is
// in https://www.rfc-editor.org/rfc/rfc9110#section-12.5.4.
func hint(r *http.Request) string {
	tags, _, err := language.ParseAcceptLanguage(strings.Join(r.Header.Values("Accept-Language"), ","))
	if err != nil || len(tags) == 0 {
		return ""
	}
	for _, t := range tags {
		if own, ok := locales.Match(t.String()); ok {
			return own
		}
	}
	return tags[0].String()
}

// speak is the tag of the language in which the page and its errors are: the one
// that the member has chosen, else the browser's.
func (s *Server) speak(r *http.Request) string {
	if id, ok := s.session(r); ok && s.cfg.Language != nil {
		if own, ok := locales.Match(s.cfg.Language(r.Context(), id)); ok {
			return own
		}
	}
	if own, ok := locales.Match(hint(r)); ok {
		return own
	}
	return locales.Default
}
