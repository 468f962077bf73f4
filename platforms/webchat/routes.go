package webchat

import (
	"fmt"
	"net/http"
	"strings"

	"liqbot/locales"
)

// routes joins the page, its API and the mounted handlers.
func (s *Server) routes() (http.Handler, error) {
	own := http.NewServeMux()
	own.HandleFunc("GET /{$}", s.servePage)
	own.HandleFunc("GET /assets/{name}", s.serveAsset)
	own.HandleFunc("GET /pictures/{name}", s.servePicture)
	own.HandleFunc("POST /api/messages", s.postMessage)
	own.HandleFunc("GET /api/events", s.getEvents)
	own.HandleFunc("/{$}", s.only("GET, HEAD"))
	own.HandleFunc("/assets/{name}", s.only("GET, HEAD"))
	own.HandleFunc("/pictures/{name}", s.only("GET, HEAD"))
	own.HandleFunc("/api/messages", s.only(http.MethodPost))
	own.HandleFunc("HEAD /api/events", s.only(http.MethodGet)) // a stream has an end only for who reads it
	own.HandleFunc("/api/events", s.only(http.MethodGet))
	own.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.refuse(w, r, http.StatusNotFound, "not_found")
	})
	all := http.NewServeMux()
	all.Handle("/", s.guard(own))
	for path, h := range s.cfg.Mount {
		if len(path) < 2 || path[0] != '/' || strings.ContainsAny(path, "{} ") || h == nil {
			return nil, fmt.Errorf("webchat: cannot mount %q: want a path such as /healthz and a handler", path)
		}
		all.Handle(path, h)
	}
	return s.recovered(all), nil
}

// only refuses every method but the allowed ones.
func (s *Server) only(methods string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", methods)
		s.refuse(w, r, http.StatusMethodNotAllowed, "wrong_method")
	}
}

// refusal is the JSON of a refused request: a constant name and a sentence for
// the member.
type refusal struct {
	Error struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// refuse answers a request that is not served, in the member's language: JSON
// for the page's script, plain text for a browser window.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, status int, code string) {
	s.cfg.Count(code)
	var body refusal
	body.Error.Code = code
	body.Error.Message = sentence(locales.For(s.speak(r)), code)
	if isAPI(r) {
		writeJSON(w, status, body)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, body.Error.Message, status)
}

// sentence words a refusal.
func sentence(l *locales.Language, code string) string {
	switch code {
	case "wrong_host":
		return l.Say("web.wrong_host")
	case "wrong_origin":
		return l.Say("web.wrong_origin")
	case "no_session":
		return l.Say("web.no_session")
	case "slow_down", "too_many_pages":
		return l.Say("error.slow_down")
	case "too_long":
		return l.Say("web.too_long")
	case "not_found":
		return l.Say("web.not_found")
	case "panic":
		return l.Say("error.broken")
	default:
		return l.Say("web.bad_request")
	}
}
