package httpjson

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// whole writes the whole numbers of a JSON text without fraction and exponent: to JSON 5.0 and 5e0 are the number 5 (JSON Schema,
// section 6.1.1), to encoding/json they are none that fits an int. ok is false where there was nothing to change.
func whole(body []byte) (rewritten []byte, ok bool) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var value any
	if dec.Decode(&value) != nil {
		return nil, false
	}
	value = walk(value, func(n json.Number) json.Number {
		if !strings.ContainsAny(string(n), ".eE") {
			return n
		}
		f, err := n.Float64()
		if err != nil || f <= -1<<53 || f >= 1<<53 || f != float64(int64(f)) {
			return n
		}
		ok = true
		return json.Number(strconv.FormatInt(int64(f), 10))
	})
	if !ok {
		return nil, false
	}
	rewritten, err := json.Marshal(value)
	return rewritten, err == nil
}

func walk(value any, change func(json.Number) json.Number) any {
	switch v := value.(type) {
	case json.Number:
		return change(v)
	case []any:
		for i := range v {
			v[i] = walk(v[i], change)
		}
	case map[string]any:
		for key := range v {
			v[key] = walk(v[key], change)
		}
	}
	return value
}
