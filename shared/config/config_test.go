package config

import (
	"errors"
	"strings"
	"testing"
	"time"
)

type part struct {
	URL  string        `env:"T_URL,required"`
	Wait time.Duration `env:"T_WAIT" envDefault:"60s"`
}

func (p *part) Validate() error {
	if p.Wait < 0 {
		return errors.New("T_WAIT is negative")
	}
	return nil
}

type whole struct {
	Part  part
	Count int    `env:"T_COUNT" envDefault:"3"`
	Name  string `env:"T_NAME,required"`
}

func TestLoadNamesEverythingAtOnce(t *testing.T) {
	t.Setenv("T_COUNT", "many")
	t.Setenv("T_WAIT", "-1s")
	t.Setenv("T_NAME", "")
	err := Load(&whole{})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"T_URL is not set", "T_NAME is not set", "T_COUNT:", "T_WAIT is negative"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q:\n%v", want, err)
		}
	}
}

func TestLoadFills(t *testing.T) {
	t.Setenv("T_URL", "u")
	t.Setenv("T_NAME", "n")
	t.Setenv("T_COUNT", "")
	var c whole
	if err := Load(&c); err != nil {
		t.Fatal(err)
	}
	if c.Part.URL != "u" || c.Part.Wait != time.Minute || c.Count != 3 {
		t.Errorf("got %+v", c)
	}
}
