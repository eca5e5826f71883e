package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"strconv"
)

// formula is an expression of names and numbers, in Go's grammar: + - * / ( ) and min, max, ceil. What is shown is what is computed.
type formula struct {
	text  string
	expr  ast.Expr
	names []string // that it uses, each as often as it does
}

func parse(text string) (formula, error) {
	expr, err := parser.ParseExpr(text)
	if err != nil {
		return formula{}, fmt.Errorf("%q is no formula: %w", text, err)
	}
	f := formula{text: text, expr: expr}
	functions := map[*ast.Ident]bool{}
	ast.Inspect(expr, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if name, ok := n.Fun.(*ast.Ident); ok {
				functions[name] = true
			}
		case *ast.Ident:
			if !functions[n] {
				f.names = append(f.names, n.Name)
			}
		}
		return true
	})
	return f, nil
}

// in computes the formula with the names' values. Errors: an unknown name or function, a form that is none of arithmetic's, a
// result that is no number.
func (f formula) in(values map[string]float64) (float64, error) {
	v, err := eval(f.expr, values)
	if err == nil && (math.IsNaN(v) || math.IsInf(v, 0)) {
		err = errors.New("divides by nothing")
	}
	if err != nil {
		return 0, fmt.Errorf("%q: %w", f.text, err)
	}
	return v, nil
}

func eval(e ast.Expr, values map[string]float64) (float64, error) {
	switch e := e.(type) {
	case *ast.ParenExpr:
		return eval(e.X, values)
	case *ast.BasicLit:
		if e.Kind == token.INT || e.Kind == token.FLOAT {
			return strconv.ParseFloat(e.Value, 64)
		}
	case *ast.Ident:
		v, ok := values[e.Name]
		if !ok {
			return 0, fmt.Errorf("%s is neither an input nor a line above", e.Name)
		}
		return v, nil
	case *ast.BinaryExpr:
		return binary(e, values)
	case *ast.CallExpr:
		return call(e, values)
	}
	return 0, fmt.Errorf("knows + - * / ( ) min max ceil, no %T", e)
}

func binary(e *ast.BinaryExpr, values map[string]float64) (float64, error) {
	x, err := eval(e.X, values)
	if err != nil {
		return 0, err
	}
	y, err := eval(e.Y, values)
	if err != nil {
		return 0, err
	}
	switch e.Op {
	case token.ADD:
		return x + y, nil
	case token.SUB:
		return x - y, nil
	case token.MUL:
		return x * y, nil
	case token.QUO:
		return x / y, nil
	}
	return 0, fmt.Errorf("knows + - * /, no %s", e.Op)
}

func call(e *ast.CallExpr, values map[string]float64) (float64, error) {
	var args []float64
	for _, a := range e.Args {
		v, err := eval(a, values)
		if err != nil {
			return 0, err
		}
		args = append(args, v)
	}
	name, _ := e.Fun.(*ast.Ident)
	switch {
	case name != nil && name.Name == "ceil" && len(args) == 1:
		// What is a whole number but for the last bit of a float is one.
		return math.Ceil(args[0] * (1 - 1e-12)), nil
	case name != nil && name.Name == "min" && len(args) == 2:
		return math.Min(args[0], args[1]), nil
	case name != nil && name.Name == "max" && len(args) == 2:
		return math.Max(args[0], args[1]), nil
	}
	return 0, errors.New("knows ceil of one, min and max of two")
}
