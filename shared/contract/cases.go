package contract

import (
	"embed"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

//go:embed cases/*.json
var cases embed.FS

// Invalid is an example made wrong in one place.
type Invalid struct {
	Why       string   `json:"why"`
	At        string   `json:"at"`        // of the change: a JSON pointer (RFC 6901) without escapes
	Be        *any     `json:"be"`        // what is there then; nil: nothing
	RefusedBy []string `json:"refusedBy"` // the languages whose own reader refuses it; the document's schema always does
}

// InvalidOf lists the wrong forms of an example.
func InvalidOf(name string) ([]Invalid, error) {
	all, err := readCases[[]Invalid]("invalid")
	return all[name], err
}

// parties tells, of each example, in which languages it is written or read: there a test has to.
func parties() (map[string][]string, error) { return readCases[[]string]("parties") }

func readCases[T any](name string) (map[string]T, error) {
	text, err := cases.ReadFile("cases/" + name + ".json")
	if err != nil {
		return nil, err
	}
	var all map[string]T
	err = json.Unmarshal(text, &all)
	return all, err
}

// Apply makes an example wrong. The error says that it has no such place.
func (i Invalid) Apply(example []byte) ([]byte, error) {
	var value any
	if err := json.Unmarshal(example, &value); err != nil {
		return nil, err
	}
	holder, path := value, strings.Split(i.At, "/")[1:]
	for _, step := range path[:len(path)-1] {
		switch h := holder.(type) {
		case map[string]any:
			holder = h[step]
		case []any:
			n, err := strconv.Atoi(step)
			if err != nil || n >= len(h) {
				return nil, fmt.Errorf("there is no %s", i.At)
			}
			holder = h[n]
		}
	}
	last := path[len(path)-1]
	switch h := holder.(type) {
	case map[string]any:
		if i.Be == nil {
			delete(h, last)
		} else {
			h[last] = *i.Be
		}
	case []any:
		n, err := strconv.Atoi(last)
		if err != nil || n >= len(h) || i.Be == nil {
			return nil, fmt.Errorf("there is no %s", i.At)
		}
		h[n] = *i.Be
	default:
		return nil, fmt.Errorf("there is no %s", i.At)
	}
	return json.Marshal(value)
}
