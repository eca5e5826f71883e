package main

import (
	"log/slog"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/recon3d/recon3d/shared/callback"
	"github.com/recon3d/recon3d/shared/cosstore"
	"github.com/recon3d/recon3d/shared/fault"
	"github.com/recon3d/recon3d/shared/httpjson"
	"github.com/recon3d/recon3d/shared/taskstore"
	"github.com/recon3d/recon3d/shared/telemetry"
)

type receiver struct {
	signer   *callback.Signer
	store    *taskstore.Store
	objects  *cosstore.Store
	maxBytes int64
}

func (h *receiver) routes() httpjson.Routes {
	return httpjson.Routes{
		"/api/reconstruction/callback/result/{taskId}":     {"POST": h.result},    // a file, or word of one that is in COS
		"/api/reconstruction/callback/upload-url/{taskId}": {"POST": h.uploadURL}, // where to put a large file
	}
}

const (
	maxForm    = 5 << 20          // bytes of a multipart request, all in all
	maxMessage = 16 << 10         // bytes of a JSON request
	uploadLife = 30 * time.Minute // of a presigned PUT: a large file over a slow line
)

// result answers POST /api/reconstruction/callback/result/{taskId}.
func (h *receiver) result(w http.ResponseWriter, r *http.Request) error {
	body, id, err := h.read(w, r, callback.Result, maxForm)
	if err != nil {
		return err
	}
	taskID := r.PathValue("taskId")
	mediaType, params, err := httpjson.MediaType(r, "multipart/form-data", "application/json")
	if err != nil {
		return err
	}

	var m callback.ResultMessage
	var v taskstore.Verdict
	if mediaType == "application/json" {
		if m, err = h.message(body, id, taskID); err == nil {
			v, err = h.claimStaged(r.Context(), offer(taskID, m))
		}
	} else {
		var file []byte
		if m, file, err = readForm(body, params["boundary"]); err == nil {
			if err = id.For(taskID, m.Attempt); err == nil {
				v, err = h.keep(r.Context(), taskID, m, file)
			}
		}
	}
	if err != nil {
		return err
	}

	telemetry.Note(r.Context(), slog.String("name", m.Name), slog.Int64("size", *m.Size), slog.Bool("duplicate", v.Duplicate))
	httpjson.Write(w, http.StatusOK, callback.ResultAnswer{TaskID: taskID, Name: m.Name, Size: *m.Size, SHA256: m.SHA256, Duplicate: v.Duplicate})
	return nil
}

// uploadURL answers POST /api/reconstruction/callback/upload-url/{taskId}.
func (h *receiver) uploadURL(w http.ResponseWriter, r *http.Request) error {
	body, id, err := h.read(w, r, callback.Upload, maxMessage)
	if err != nil {
		return err
	}
	taskID := r.PathValue("taskId")
	if _, _, err := httpjson.MediaType(r, "application/json"); err != nil {
		return err
	}
	m, err := h.message(body, id, taskID)
	if err != nil {
		return err
	}

	o := offer(taskID, m)
	v, err := h.store.AllowUpload(r.Context(), o, stagingKey(o), uploadLife)
	if err != nil {
		return err
	}
	if v.Duplicate {
		httpjson.Write(w, http.StatusOK, callback.UploadAnswer{Duplicate: true})
		return nil
	}
	url, headers, expires, err := h.objects.PresignPut(r.Context(), stagingKey(o), cosstore.PutOptions{
		ContentType: o.ContentType, ContentLength: o.Size, Life: uploadLife,
	})
	if err != nil {
		return err
	}

	httpjson.Write(w, http.StatusOK, callback.UploadAnswer{
		URL: url, Method: http.MethodPut, Headers: headers, ExpiresAt: expires.Format("2006-01-02T15:04:05.000Z"),
	})
	return nil
}

// read reads a body that is signed for this endpoint and for the task in the path.
func (h *receiver) read(w http.ResponseWriter, r *http.Request, kind callback.Kind, limit int64) ([]byte, callback.ID, error) {
	if err := httpjson.Limit(w, r, limit); err != nil {
		return nil, callback.ID{}, err
	}
	body, err := httpjson.ReadBody(r)
	if err != nil {
		return nil, callback.ID{}, err
	}
	id, err := h.signer.Verify(r.Header, kind, body)
	if err != nil {
		return nil, callback.ID{}, err
	}
	telemetry.Note(r.Context(), slog.String("taskId", id.TaskID), slog.Int("attempt", id.Attempt))
	return body, id, id.For(r.PathValue("taskId"), nil)
}

// message reads a JSON body.
func (h *receiver) message(body []byte, id callback.ID, taskID string) (callback.ResultMessage, error) {
	var m callback.ResultMessage
	if err := httpjson.Decode(body, &m); err != nil {
		return m, err
	}
	if err := id.For(taskID, m.Attempt); err != nil {
		return m, err
	}
	return m, validate(&m, h.maxBytes)
}

// validate checks a message, and fills in the media type by the name.
func validate(m *callback.ResultMessage, maxSize int64) error {
	if err := m.Validate(maxSize); err != nil {
		return err
	}
	if strings.TrimSuffix(m.Name, path.Ext(m.Name)) == "original" {
		return fault.Invalid("name", "is taken by the task's own copy of its picture")
	}
	if m.ContentType == "" {
		m.ContentType = mediaTypeOf(m.Name)
	}
	return nil
}

// mediaTypeOf tells the media type that goes with a file's name.
func mediaTypeOf(name string) string {
	switch strings.ToLower(path.Ext(name)) {
	case ".png":
		return "image/png"
	case ".jpg", ".jpeg":
		return "image/jpeg"
	case ".webp":
		return "image/webp"
	case ".json":
		return "application/json"
	case ".zip":
		return "application/zip"
	case ".glb":
		return "model/gltf-binary"
	case ".obj":
		return "model/obj"
	case ".mtl":
		return "model/mtl"
	case ".stl":
		return "model/stl"
	case ".3mf":
		return "model/3mf"
	case ".usdz":
		return "model/vnd.usdz+zip"
	}
	return "application/octet-stream"
}
