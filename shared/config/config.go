// Package config fills a struct from the environment and names everything that is missing or wrong at once.
package config

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/caarlos0/env/v11"
)

// Rules is a part of a configuration (a named struct field) with rules over several variables. Its error may have several
// lines, one a variable.
type Rules interface{ Validate() error }

// Load fills cfg, a pointer to a struct whose fields are tagged as github.com/caarlos0/env reads them, and then asks each
// struct in it that has Rules. The error has a line for each variable that is missing or wrong.
func Load(cfg any) error {
	var problems []string
	if err := env.ParseWithOptions(cfg, env.Options{Environment: setVariables()}); err != nil {
		all := env.AggregateError{}
		if !errors.As(err, &all) {
			all.Errors = []error{err}
		}
		for _, e := range all.Errors {
			problems = append(problems, describe(e, reflect.TypeOf(cfg).Elem()))
		}
	}
	s := reflect.ValueOf(cfg).Elem()
	for i := range s.NumField() {
		part, ok := s.Field(i).Addr().Interface().(Rules)
		if !ok {
			continue
		}
		if err := part.Validate(); err != nil {
			problems = append(problems, strings.Split(err.Error(), "\n")...)
		}
	}
	if len(problems) == 0 {
		return nil
	}
	slices.Sort(problems)
	return fmt.Errorf("configuration:\n  %s", strings.Join(slices.Compact(problems), "\n  "))
}

// setVariables is the environment without variables that are set to nothing, which mean the same as unset ones.
func setVariables() map[string]string {
	vars := env.ToMap(os.Environ())
	for name, value := range vars {
		if value == "" {
			delete(vars, name)
		}
	}
	return vars
}

// describe says in words what is wrong with which variable of a struct of type t.
func describe(err error, t reflect.Type) string {
	var missing env.VarIsNotSetError
	var wrong env.ParseError
	switch {
	case errors.As(err, &missing):
		return missing.Key + " is not set"
	case errors.As(err, &wrong):
		return fmt.Sprintf("%s: %v", variable(t, wrong.Name), wrong.Err)
	}
	return err.Error()
}

// variable finds the name in the environment of a field of t or of a struct in it.
func variable(t reflect.Type, field string) string {
	for i := range t.NumField() {
		f := t.Field(i)
		if key, tagged := f.Tag.Lookup("env"); tagged && f.Name == field {
			key, _, _ = strings.Cut(key, ",")
			return key
		}
		if f.Type.Kind() == reflect.Struct {
			if key := variable(f.Type, field); key != field {
				return key
			}
		}
	}
	return field
}
