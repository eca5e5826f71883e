package e2e

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"image"
	"image/png"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The real worker makes a model of a real picture.
func TestTheRealWorker(t *testing.T) {
	t.Parallel()
	root := os.Getenv(rootEnv)
	if _, err := os.Stat(filepath.Join(root, "functions", "worker", ".venv", "bin", "python")); err != nil {
		t.Fatal("the worker has no Python environment: run make worker")
	}
	s := start(t, 0, "WORKER_URLS", "")
	t.Run("a picture drawn here", func(t *testing.T) {
		s.reconstruct(t, ball())
	})
	samples := filepath.Join(root, "..", "shared", "samples")
	for _, name := range []string{"apple.jpg", "chair.png"} {
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join(samples, name))
			if err != nil {
				t.Skip("the sample pictures are not on this machine")
			}
			s.reconstruct(t, data)
		})
	}
	t.Run("a picture of nothing", func(t *testing.T) {
		img := image.NewNRGBA(image.Rect(0, 0, 64, 64))
		for i := range img.Pix {
			img.Pix[i] = 255
		}
		data := encoded(png.Encode, img)
		p := s.upload(t, data)
		c := s.create(t, p.ID)
		all := s.listen(t, c.SseURL, "").until(t, "FAILED")
		if v := all[len(all)-1].read(t); v.Error == nil || v.Error.Message == "" {
			t.Errorf("%+v", v)
		}
	})
}

// reconstruct runs a picture through and looks at what comes of it.
func (s *system) reconstruct(t *testing.T, data []byte) {
	t.Helper()
	p := s.upload(t, data)
	var c created
	s.post(t, "/api/reconstruction/create-from-image", map[string]any{"imageId": p.ID, "formats": []string{"stl", "ply", "3mf", "usdz"}}).
		want(t, http.StatusAccepted).into(t, &c)
	st := s.listen(t, c.SseURL, "")
	stages, files := map[string]bool{}, map[string][]byte{}
	for done := false; !done; {
		e := st.next(t)
		v := e.read(t)
		switch {
		case e.name == "progress":
			stages[v.Stage] = true
		case e.name == "result":
			files[v.Name] = fetch(t, *v.URL).want(t, http.StatusOK).body
			if sha(files[v.Name]) != v.Sha256 {
				t.Errorf("%s is not what its event says", v.Name)
			}
		case v.Status == "FAILED":
			t.Fatalf("%+v", v.Error)
		default:
			done = v.Status == "COMPLETED"
		}
	}
	if len(stages) == 0 {
		t.Error("no progress was told")
	}
	for _, name := range []string{"pixel_images.png", "xyz_images.png"} {
		img, _, err := image.DecodeConfig(bytes.NewReader(files[name]))
		if err != nil || img.Width != 1536 || img.Height != 256 {
			t.Errorf("%s: %+v, %v", name, img, err)
		}
	}
	if glb := files["model.glb"]; len(glb) < 20 || string(glb[:4]) != "glTF" || binary.LittleEndian.Uint32(glb[4:]) != 2 || int(binary.LittleEndian.Uint32(glb[8:])) != len(glb) {
		t.Errorf("model.glb of %d bytes is none", len(glb))
	}
	archive, err := zip.NewReader(bytes.NewReader(files["output3d.zip"]), int64(len(files["output3d.zip"])))
	if err != nil {
		t.Fatal(err)
	}
	var kinds, stems []string
	for _, f := range archive.File {
		ext := filepath.Ext(f.Name)
		kinds, stems = append(kinds, ext), append(stems, strings.TrimSuffix(f.Name, ext))
	}
	if slices.Sort(kinds); !slices.Equal(kinds, []string{".mtl", ".obj", ".png"}) || len(slices.Compact(stems)) != 1 || strings.Contains(stems[0], "/") {
		t.Errorf("output3d.zip: %v of %v", kinds, stems)
	}
	for _, format := range []string{"stl", "ply", "3mf", "usdz"} {
		if len(files["model."+format]) == 0 {
			t.Errorf("no model.%s, which was asked for", format)
		}
	}
	if doc := s.task(t, c.TaskID); doc.Status != "COMPLETED" || doc.Attempt != 1 || len(doc.Results) != len(files) || doc.OutputZipURL == nil {
		t.Errorf("%+v", doc)
	}
}
