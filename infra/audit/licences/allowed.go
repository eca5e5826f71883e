package main

// allowed are the licences (SPDX) under which something may be part of what is shipped: those that ask for no more than a notice, and
// two that hold only for the files that they are about. Nothing under the GPL, LGPL or AGPL.
var allowed = map[string]bool{
	"0BSD": true, "Apache-2.0": true, "BSD-2-Clause": true, "BSD-3-Clause": true, "CC0-1.0": true, "ISC": true, "MIT": true, "MIT-CMU": true,
	"PSF-2.0": true, "Unlicense": true, "Zlib": true,
	"BSD-Source-Code": true, // what a tool takes Go's own BSD-3-Clause for
	"MPL-2.0":         true, // file by file, and the files are unchanged
	"OFL-1.1":         true, // a font, which may be embedded and not sold by itself
}

// classifiers are the names that PyPI's packages gave their licences before they could say SPDX.
var classifiers = map[string]string{
	"License :: OSI Approved :: Apache Software License":              "Apache-2.0",
	"License :: OSI Approved :: BSD License":                          "BSD-3-Clause",
	"License :: OSI Approved :: MIT License":                          "MIT",
	"License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}

// unsaid are components that do not say their licence where a tool looks, each read by hand.
var unsaid = map[string]string{}
