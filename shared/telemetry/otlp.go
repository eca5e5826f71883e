package telemetry

import (
	"encoding/binary"
	"log/slog"
	"math"
	"time"
)

// marshal writes an ExportTraceServiceRequest (opentelemetry-proto 1.x, collector/trace/v1) in protobuf's wire format. By hand, for the
// library that does it costs a function's binary 5 MB: infra/docs/decisions/0020-own-spans.md.
func marshal(service string, spans []*Span) []byte {
	return message(nil, 1, func(b []byte) []byte { // resource_spans
		b = message(b, 1, func(b []byte) []byte { // resource
			return attribute(b, 1, slog.String("service.name", service))
		})
		return message(b, 2, func(b []byte) []byte { // scope_spans
			b = message(b, 1, func(b []byte) []byte { // scope
				return text(b, 1, "recon3d")
			})
			for _, s := range spans {
				b = message(b, 2, s.append)
			}
			return b
		})
	})
}

// append writes a trace/v1 Span.
func (s *Span) append(b []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	b = text(b, 1, s.context.Trace[:])
	b = text(b, 2, s.context.Span[:])
	if s.parent != [8]byte{} {
		b = text(b, 4, s.parent[:])
	}
	b = text(b, 5, s.name)
	b = number(b, 6, uint64(s.kind))
	b = instant(b, 7, s.start)
	b = instant(b, 8, s.end)
	for _, a := range s.attrs {
		b = attribute(b, 9, a)
	}
	if s.link.Valid() {
		b = message(b, 13, func(b []byte) []byte {
			b = text(b, 1, s.link.Trace[:])
			return text(b, 2, s.link.Span[:])
		})
	}
	if s.fault != "" {
		const failed = 2 // STATUS_CODE_ERROR
		b = message(b, 15, func(b []byte) []byte {
			b = text(b, 2, s.fault)
			return number(b, 3, failed)
		})
	}
	return b
}

// attribute writes a common/v1 KeyValue.
func attribute(b []byte, field int, a slog.Attr) []byte {
	return message(b, field, func(b []byte) []byte {
		b = text(b, 1, a.Key)
		return message(b, 2, func(b []byte) []byte { // AnyValue
			switch v := a.Value.Resolve(); v.Kind() {
			case slog.KindBool:
				if v.Bool() {
					return number(b, 2, 1)
				}
				return number(b, 2, 0)
			case slog.KindInt64:
				return number(b, 3, uint64(v.Int64()))
			case slog.KindFloat64:
				return fixed(b, 4, math.Float64bits(v.Float64()))
			default:
				return text(b, 1, v.String())
			}
		})
	})
}

// The wire types of protobuf (its "Encoding" guide).
const (
	varint    = 0
	i64       = 1
	delimited = 2
)

func tag(b []byte, field, wire int) []byte { return binary.AppendUvarint(b, uint64(field<<3|wire)) }

func number(b []byte, field int, v uint64) []byte {
	return binary.AppendUvarint(tag(b, field, varint), v)
}

func fixed(b []byte, field int, v uint64) []byte {
	return binary.LittleEndian.AppendUint64(tag(b, field, i64), v)
}

func instant(b []byte, field int, t time.Time) []byte { return fixed(b, field, uint64(t.UnixNano())) }

func text[T string | []byte](b []byte, field int, v T) []byte {
	b = binary.AppendUvarint(tag(b, field, delimited), uint64(len(v)))
	return append(b, v...)
}

func message(b []byte, field int, fill func([]byte) []byte) []byte {
	return text(b, field, fill(nil))
}
