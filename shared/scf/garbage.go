package scf

import (
	"os"
	"runtime/debug"
)

// CollectRarely lets 16 MB of garbage pile up before it is collected, where Go would collect every 4 MB: for functions whose requests
// leave bodies of a hundred KB behind and keep next to nothing, that is a tenth of their CPU, for 10 MB. GOGC overrides it.
func CollectRarely() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
}
