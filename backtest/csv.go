package backtest

import (
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"strconv"
)

// A CellError says where a recorded file could not be read.
type CellError struct {
	File   string
	Line   int    // 1 is the header
	Column string // empty when the whole line is at fault
	Err    error
}

func (e *CellError) Error() string {
	if e.Column == "" {
		return fmt.Sprintf("%s: line %d: %v", e.File, e.Line, e.Err)
	}
	return fmt.Sprintf("%s: line %d: column %s: %v", e.File, e.Line, e.Column, e.Err)
}

func (e *CellError) Unwrap() error { return e.Err }

// timeColumn is the start of a bar or bucket, Unix milliseconds UTC, in every file.
const timeColumn = "t_ms"

var (
	errNoColumn  = errors.New("no such column in the header")
	errTwice     = errors.New("this time was there before")
	errNotFinite = errors.New("not a finite number")
	errNegative  = errors.New("negative")
	errTime      = errors.New("not a whole number of milliseconds after 1970")
)

// Rows are a file's lines by their start in Unix milliseconds. The values stand
// in the order in which the columns were asked for; what was not recorded is NaN.
type Rows map[int64][]float64

// DecodeCSV reads the named columns of a comma separated file with one header
// line, among them t_ms as the key. Other columns may be there and are left out.
// Every figure in these files is zero or more, so a negative one is an error, as
// is a time that comes twice. An error about the contents is a *CellError.
func DecodeCSV(r io.Reader, file string, columns ...string) (Rows, error) {
	rows := Rows{}
	err := eachLine(r, file, columns, func(record []string, at []int) *CellError { return rows.add(record, at, columns) })
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// eachLine hands on every line after the header, and where t_ms and the columns are in it.
// The error of take lacks file and line.
func eachLine(r io.Reader, file string, columns []string, take func(record []string, at []int) *CellError) error {
	cr := csv.NewReader(r)
	cr.ReuseRecord = true
	header, err := cr.Read()
	if err != nil {
		return unreadable(err, file, 1)
	}
	at, err := locate(header, file, columns)
	if err != nil {
		return err
	}
	line := 1
	for {
		record, err := cr.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return unreadable(err, file, line+1)
		}
		line, _ = cr.FieldPos(0)
		if err := take(record, at); err != nil {
			err.File, err.Line = file, line
			return err
		}
	}
}

// unreadable places an error of the CSV reader, which knows the line better when
// it is about the text, or of what it reads from.
func unreadable(err error, file string, line int) *CellError {
	if parse, ok := errors.AsType[*csv.ParseError](err); ok {
		return &CellError{File: file, Line: parse.Line, Err: parse.Err}
	}
	return &CellError{File: file, Line: line, Err: err}
}

// locate finds t_ms and the asked columns in the header.
func locate(header []string, file string, columns []string) ([]int, error) {
	position := map[string]int{}
	for i, name := range header {
		if _, ok := position[name]; !ok {
			position[name] = i
		}
	}
	at := make([]int, 0, len(columns)+1)
	for _, name := range append([]string{timeColumn}, columns...) {
		i, ok := position[name]
		if !ok {
			return nil, &CellError{File: file, Line: 1, Column: name, Err: errNoColumn}
		}
		at = append(at, i)
	}
	return at, nil
}

// add decodes one line. The error lacks file and line, which the caller knows.
func (rs Rows) add(record []string, at []int, columns []string) *CellError {
	t, wrong := moment(record[at[0]])
	if wrong != nil {
		return wrong
	}
	if _, ok := rs[t]; ok {
		return &CellError{Column: timeColumn, Err: errTwice}
	}
	values := make([]float64, len(columns))
	for i, name := range columns {
		v, err := figure(record[at[i+1]])
		if err != nil {
			return &CellError{Column: name, Err: err}
		}
		values[i] = v
	}
	rs[t] = values
	return nil
}

// moment reads a time in Unix milliseconds.
func moment(field string) (int64, *CellError) {
	t, err := strconv.ParseInt(field, 10, 64)
	if err != nil || t < 0 {
		return 0, &CellError{Column: timeColumn, Err: errTime}
	}
	return t, nil
}

// figure reads a field that is zero or more; an empty one was not recorded.
func figure(field string) (float64, error) {
	v, err := signed(field)
	if v < 0 {
		return 0, errNegative
	}
	return v, err
}

// signed reads a field; an empty one was not recorded.
func signed(field string) (float64, error) {
	if field == "" {
		return math.NaN(), nil
	}
	v, err := strconv.ParseFloat(field, 64)
	switch {
	case errors.Is(err, strconv.ErrRange), err == nil && (math.IsNaN(v) || math.IsInf(v, 0)):
		return 0, errNotFinite
	case err != nil:
		return 0, errors.New("not a number")
	}
	return v, nil
}

// readIfThere reads a gzip file of the folder; one that the folder lacks has no rows.
func readIfThere(dir fs.FS, file string, columns ...string) (Rows, error) {
	rows := Rows{}
	err := eachLineIfThere(dir, file, columns, func(record []string, at []int) *CellError { return rows.add(record, at, columns) })
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// eachLineIfThere is eachLine of a gzip file of the folder; one that the folder lacks has
// no lines.
func eachLineIfThere(dir fs.FS, file string, columns []string, take func(record []string, at []int) *CellError) error {
	f, err := dir.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err // names the file
	}
	defer f.Close()
	zr, err := gzip.NewReader(f)
	if err != nil {
		return &CellError{File: file, Line: 1, Err: err}
	}
	return eachLine(zr, file, columns, take)
}
