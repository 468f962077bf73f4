package coinglasstest

import (
	"cmp"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
)

// Fault is something wrong with a reply. Its fields combine; the zero Fault is
// an empty success.
type Fault struct {
	// Times is how many replies are wrong; 0 means all until Heal.
	Times int
	// Status is the HTTP status, 200 if 0.
	Status int
	// Header is added to the reply.
	Header map[string]string
	// Body is sent as it is.
	Body string
	// Cut announces more body than is sent, then ends the connection.
	Cut bool
	// Padding sends that many spaces behind the body.
	Padding int64
	// Gzip compresses the body, padding included.
	Gzip bool
	// Hang sends nothing until the client goes away or the test ends.
	Hang bool
	// Drop ends the connection without a word.
	Drop bool
}

// Fail makes a path fail; an empty path means all of them. Requests with a wrong
// key are still refused as such.
func (s *Server) Fail(path string, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[path] = &f
}

// Heal ends the faults of a path.
func (s *Server) Heal(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.faults, path)
}

// fault takes one reply's worth of a path's fault.
func (s *Server) fault(path string) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range []string{path, ""} {
		f, ok := s.faults[key]
		if !ok {
			continue
		}
		if f.Times > 0 {
			if f.Times--; f.Times == 0 {
				delete(s.faults, key)
			}
		}
		once := *f
		return &once
	}
	return nil
}

func (f *Fault) status() int { return cmp.Or(f.Status, http.StatusOK) }

func (f *Fault) serve(w http.ResponseWriter, r *http.Request, closing <-chan struct{}) {
	switch {
	case f.Hang:
		select {
		case <-r.Context().Done():
		case <-closing:
		}
		panic(http.ErrAbortHandler)
	case f.Drop:
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/json")
	for name, value := range f.Header {
		w.Header().Set(name, value)
	}
	if f.Gzip {
		w.Header().Set("Content-Encoding", "gzip")
	}
	w.WriteHeader(f.status())
	f.write(w)
	if f.Cut {
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

func (f *Fault) write(w io.Writer) {
	if f.Gzip {
		z, _ := gzip.NewWriterLevel(w, gzip.HuffmanOnly) // the quickest: tests send megabytes
		defer func() { _ = z.Close() }()
		w = z
	}
	_, _ = io.WriteString(w, f.Body)
	spaces := strings.Repeat(" ", 1<<18)
	for left := f.Padding; left > 0; left -= int64(len(spaces)) {
		if _, err := io.WriteString(w, spaces[:min(left, int64(len(spaces)))]); err != nil {
			return
		}
	}
}
