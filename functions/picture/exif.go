package main

import "encoding/binary"

// exifPrefix goes before EXIF in a JPEG, and by some writers in a WebP.
const exifPrefix = "Exif\x00\x00"

// orientation reads tag 0x0112 of EXIF's first directory (EXIF 2.32, section 4.6; TIFF 6.0, section 2): how the stored pixels
// are to be turned, 1 to 8. What can't be read counts as 1, upright, as viewers do.
func orientation(tiff []byte) int {
	const upright, header, entry = 1, 8, 12
	if len(tiff) < header {
		return upright
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch string(tiff[:4]) {
	case "II*\x00":
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return upright
	}
	offset := int64(order.Uint32(tiff[4:]))
	if offset+2 > int64(len(tiff)) {
		return upright
	}
	directory := tiff[offset:]
	count := int(order.Uint16(directory))
	for i := range count {
		field := directory[2:]
		if len(field) < (i+1)*entry {
			return upright
		}
		field = field[i*entry:]
		const tag, short = 0x0112, 3
		if order.Uint16(field) != tag {
			continue
		}
		value := int(order.Uint16(field[8:]))
		if order.Uint16(field[2:]) != short || value < 1 || value > 8 {
			return upright
		}
		return value
	}
	return upright
}
