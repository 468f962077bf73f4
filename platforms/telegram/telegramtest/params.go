package telegramtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"time"
)

// maxBody is the largest request, in bytes.
const maxBody = 50 << 20

// parse reads the parameters of a call from JSON, a form or multipart.
func parse(r *http.Request, method string) (Call, error) {
	c := Call{Method: method, Params: map[string]string{}, Files: map[string][]byte{}, At: time.Now()}
	body := http.MaxBytesReader(nil, r.Body, maxBody)
	kind, options, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch kind {
	case "application/json":
		return c, parseJSON(body, c.Params)
	case "multipart/form-data":
		return c, parseParts(multipart.NewReader(body, options["boundary"]), c)
	}
	if err := r.ParseForm(); err != nil {
		return c, err
	}
	for name := range r.Form {
		c.Params[name] = r.Form.Get(name)
	}
	return c, nil
}

func parseJSON(body io.Reader, params map[string]string) error {
	var fields map[string]json.RawMessage
	if err := json.NewDecoder(body).Decode(&fields); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("can't parse JSON body: %w", err)
	}
	for name, raw := range fields {
		var s string
		if json.Unmarshal(raw, &s) != nil {
			s = string(raw)
		}
		params[name] = s
	}
	return nil
}

// parseParts allows an empty body: calls without parameters have one.
func parseParts(parts *multipart.Reader, c Call) error {
	for n := 0; ; n++ {
		part, err := parts.NextPart()
		if err != nil && (n == 0 || errors.Is(err, io.EOF)) {
			break
		}
		if err != nil {
			return err
		}
		data, err := io.ReadAll(part)
		if err != nil {
			return err
		}
		if part.FileName() != "" {
			c.Files[part.FormName()] = data
			continue
		}
		c.Params[part.FormName()] = string(data)
	}
	return nil
}

// number returns a parameter as an integer, 0 for none.
func (c Call) number(name string) (int64, *refusal) {
	if c.Params[name] == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(c.Params[name], 10, 64)
	if err != nil {
		return 0, bad("wrong parameter " + name)
	}
	return n, nil
}
