// SPDX-License-Identifier: GPL-2.0
/*
 * Printing devices with their reserved regions; see show.h.
 */
#include <inttypes.h>

#include "show.h"

void show_size(char buf[SHOW_SIZE_MAX], uint64_t start, uint64_t last)
{
	static const char *const unit[] = {
		"KiB", "MiB", "GiB", "TiB", "PiB", "EiB",
	};
	uint64_t size = last - start + 1;
	unsigned int shift = 10, i = 0;
	uint64_t tenths;

	if (!size) {
		snprintf(buf, SHOW_SIZE_MAX, "16 EiB (18446744073709551616)");
		return;
	}
	if (size < 1024) {
		snprintf(buf, SHOW_SIZE_MAX, "%" PRIu64 " B", size);
		return;
	}
	while (shift < 60 && size >> shift >> 10) {
		shift += 10;
		i++;
	}
	if (!(size & ((1ULL << shift) - 1))) {
		snprintf(buf, SHOW_SIZE_MAX, "%" PRIu64 " %s (%" PRIu64 ")",
			 size >> shift, unit[i], size);
		return;
	}
	/* From the top ten bits below the unit, so that nothing overflows. */
	tenths = (size >> (shift - 10) & 1023) * 10 >> 10;
	snprintf(buf, SHOW_SIZE_MAX,
		 "%" PRIu64 ".%" PRIu64 " %s (%" PRIu64 ")", size >> shift,
		 tenths, unit[i], size);
}

void show_string(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		unsigned char c = *text;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20 || c > 0x7e)
			fprintf(out, "\\u%04x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

static void text_range(FILE *out, const char *what, uint64_t start,
		       uint64_t last, const char *mark)
{
	char size[SHOW_SIZE_MAX];

	show_size(size, start, last);
	fprintf(out, "  %-8s  0x%016" PRIx64 "  0x%016" PRIx64 "  %-6s  %s\n",
		what, start, last, mark, size);
}

void show_text(FILE *out, const struct show_device *devices, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		const struct show_device *dev = &devices[i];

		fprintf(out, "%s%s  dev_id %" PRIu32 "  %s", i ? "\n" : "",
			dev->address, dev->dev_id,
			*dev->iommu_driver ? dev->iommu_driver :
					     "unknown IOMMU driver");
		if (*dev->iommu)
			fprintf(out, " (%s)", dev->iommu);
		fprintf(out, "\n  %-8s  %-18s  %-18s  %-6s  %s\n", "", "START",
			"LAST", "MARK", "SIZE");
		for (size_t j = 0; j < dev->nr_reserved; j++) {
			const struct iommu_resv_iova_range *r =
				&dev->reserved[j];
			bool sw_msi = r->flags & IOMMU_RESV_IOVA_SW_MSI;

			text_range(out, "reserved", r->start, r->last,
				   sw_msi ? "SW_MSI" : "-");
		}
		if (!dev->nr_reserved)
			fprintf(out, "  reserved  nothing\n");
		for (size_t j = 0; j < dev->nr_left; j++)
			text_range(out, "left", dev->left[j].start,
				   dev->left[j].last, "");
		if (!dev->nr_left)
			fprintf(out, "  left      nothing\n");
		if (!dev->aperture)
			fprintf(out, "  (left of all 64 bits: what the IOMMU can translate is not known)\n");
	}
}

static void json_range(FILE *out, size_t i, uint64_t start, uint64_t last)
{
	uint64_t size = last - start + 1;

	fprintf(out,
		"%s\n        { \"start\": \"0x%" PRIx64 "\", \"last\": \"0x%" PRIx64
		"\", \"size\": \"",
		i ? "," : "", start, last);
	if (size)
		fprintf(out, "0x%" PRIx64 "\"", size);
	else
		fprintf(out, "0x10000000000000000\"");
}

void show_json(FILE *out, const struct show_device *devices, size_t nr)
{
	fprintf(out, "{\n  \"format\": 1,\n  \"devices\": [");
	for (size_t i = 0; i < nr; i++) {
		const struct show_device *dev = &devices[i];

		fprintf(out, "%s\n    {\n      \"address\": ", i ? "," : "");
		show_string(out, dev->address);
		fprintf(out, ",\n      \"iommu\": ");
		show_string(out, dev->iommu);
		fprintf(out, ",\n      \"iommu_driver\": ");
		show_string(out, dev->iommu_driver);
		fprintf(out, ",\n      \"dev_id\": %" PRIu32 ",\n", dev->dev_id);
		fprintf(out, "      \"reserved\": [");
		for (size_t j = 0; j < dev->nr_reserved; j++) {
			const struct iommu_resv_iova_range *r =
				&dev->reserved[j];
			bool sw_msi = r->flags & IOMMU_RESV_IOVA_SW_MSI;

			json_range(out, j, r->start, r->last);
			fprintf(out, ", \"sw_msi\": %s }",
				sw_msi ? "true" : "false");
		}
		fprintf(out, "%s],\n      \"left\": [",
			dev->nr_reserved ? "\n      " : "");
		for (size_t j = 0; j < dev->nr_left; j++) {
			json_range(out, j, dev->left[j].start,
				   dev->left[j].last);
			fprintf(out, " }");
		}
		fprintf(out, "%s],\n      \"left_of\": \"%s\"\n    }",
			dev->nr_left ? "\n      " : "",
			dev->aperture ? "aperture" : "64-bit");
	}
	fprintf(out, "%s]\n}\n", nr ? "\n  " : "");
}
