package taskstore

import (
	"slices"
	"strings"
	"testing"
)

func TestEveryPartIsOfAScript(t *testing.T) {
	used := []string{"runs"}
	for s := range compile(Policy{}) {
		used = append(used, append(strings.Fields(s.parts), s.name)...)
	}
	files, err := lua.ReadDir("lua")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if name := strings.TrimSuffix(f.Name(), ".lua"); !slices.Contains(used, name) {
			t.Errorf("lua/%s is in no script", f.Name())
		}
	}
}
