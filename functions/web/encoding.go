package main

import (
	"strconv"
	"strings"
)

const identity = "identity"

// encodings are those in which the build writes files, the smallest first, with what it adds to their names.
var encodings = []struct{ name, suffix string }{{"br", ".br"}, {"gzip", ".gz"}, {identity, ""}}

// choose tells which of the encodings that there are (identity the last of them) a caller with these Accept-Encoding headers
// wants most, RFC 9110 section 12.5.3. Of equally wanted ones it is the first; identity where nothing is wanted, for half an
// answer would help nobody.
func choose(there, accept []string) int {
	wanted := weights(accept)
	best, most := len(there)-1, 0.0
	for i, encoding := range there {
		weight, named := wanted[encoding]
		if !named && encoding != identity { // identity needs no wish, and * is none for it
			weight = wanted["*"]
		}
		if weight > most {
			best, most = i, weight
		}
	}
	return best
}

// weights reads Accept-Encoding: how much each coding is wanted, 0 to 1. A weight that is none counts as 0: plain bytes are always understood.
func weights(accept []string) map[string]float64 {
	wanted := map[string]float64{}
	for element := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		coding, parameter, weighted := strings.Cut(element, ";")
		coding = strings.ToLower(strings.TrimSpace(coding))
		if coding == "x-gzip" { // section 8.4.1.3
			coding = "gzip"
		}
		weight := 1.0
		if weighted {
			name, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
			var err error
			weight, err = strconv.ParseFloat(value, 64)
			if !strings.EqualFold(name, "q") || err != nil || !(weight >= 0 && weight <= 1) {
				weight = 0
			}
		}
		if coding != "" {
			wanted[coding] = weight
		}
	}
	return wanted
}
