# SPDX-License-Identifier: GPL-2.0
# table.awk - the counts of bench-attach at stock and at the end, as tables, and
# what follows from them. Fails where a device with one region costs too much.
#
# awk -f table.awk STOCK END     lines of "what devices regions instructions"

BEGIN {
	what["attach-direct"] = "direct attach"
	what["attach-nested"] = "nested attach"
	what["replace-direct-direct"] = "replace in one IOAS, direct by direct"
	what["replace-nested-nested"] = "replace in one IOAS, nested by nested"
	what["replace-direct-nested"] = "replace in one IOAS, direct by nested"
	what["replace-nested-direct"] = "replace in one IOAS, nested by direct"
	what["across-direct-direct"] = "replace across IOASs, direct by direct"
	what["across-nested-nested"] = "replace across IOASs, nested by nested"
	what["detach-direct"] = "detach from direct"
	what["detach-nested"] = "detach from nested"
	what["attach-loose"] = "direct attach, all regions relaxable"
	order = "attach-direct attach-nested detach-direct detach-nested " \
		"across-direct-direct across-nested-nested " \
		"replace-direct-direct replace-nested-nested " \
		"replace-direct-nested replace-nested-direct attach-loose"
	n = split(order, rows, " ")
	nd = split("1 4 16", devices, " ")
	nr = split("1 16 128 1000", regions, " ")
	# stock has nothing to do there: it reserves the same for both
	new["replace-direct-nested"] = new["replace-nested-direct"] = 1
	most = 1.02
}

FNR == 1 { at++ }
{ count[at, $1, $2, $3] = $4 }

# what one region more costs, between two numbers of regions
function slope(at, row, from, to) {
	return (count[at, row, 1, to] - count[at, row, 1, from]) / (to - from)
}

function cell(row, d, r,   stock, end) {
	stock = count[1, row, d, r]
	end = count[2, row, d, r]
	return sprintf("%d -> %d, %.3f", stock, end, end / stock)
}

# the head of a table with a column for each number of regions, and its rule
function head(columns, rule,   i) {
	printf "%s", columns
	for (i = 1; i <= nr; i++)
		printf " %d region%s |", regions[i], regions[i] == 1 ? "" : "s"
	printf "\n%s", rule
	for (i = 1; i <= nr; i++)
		printf " ---: |"
	print ""
}

END {
	print "\n## Attach, replace, detach\n"
	print "Of a group of mock devices, each with so many regions, one of them the software"
	print "MSI window: stock -> end, and their ratio. A relaxable region is not reserved, so"
	print "the last rows show what the driver's own list costs.\n"
	head("| | devices |", "| --- | ---: |")
	for (i = 1; i <= n; i++)
		for (j = 1; j <= nd; j++) {
			printf "| %s | %d |", what[rows[i]], devices[j]
			for (k = 1; k <= nr; k++)
				printf " %s |", cell(rows[i], devices[j], regions[k])
			print ""
		}

	print "\n## Query and load\n"
	print "Of one device, at the end only.\n"
	head("| |", "| --- |")
	split("query load load-again", calls, " ")
	name["query"] = "IOMMU_RESV_IOVA_RANGES"
	name["load"] = "IOMMU_IOAS_LOAD_RESV_IOVAS into a new IOAS"
	name["load-again"] = "IOMMU_IOAS_LOAD_RESV_IOVAS once more"
	for (i = 1; i <= 3; i++) {
		printf "| %s |", name[calls[i]]
		for (k = 1; k <= nr; k++)
			printf " %d |", count[2, calls[i], 1, regions[k]]
		print ""
	}

	print "\n## What one region more costs\n"
	print "One device, at the end; what costs n log n in all gets a little dearer."
	print "\n| | from 16 to 128 | from 128 to 1000 |\n| --- | ---: | ---: |"
	m = split("attach-loose attach-nested attach-direct across-direct-direct " \
		"replace-nested-direct detach-direct query load", of, " ")
	for (i = 1; i <= m; i++)
		printf "| %s | %d | %d |\n", of[i] in what ? what[of[i]] : name[of[i]],
			slope(2, of[i], 16, 128), slope(2, of[i], 128, 1000)

	for (i = 1; i <= n; i++)
		for (j = 1; j <= nd && !(rows[i] in new); j++) {
			ratio = count[2, rows[i], devices[j], 1] / count[1, rows[i], devices[j], 1]
			if (ratio > worst) {
				worst = ratio
				where = what[rows[i]] ", group of " devices[j]
			}
		}
	for (i = 1; i <= n; i++)
		for (j = 1; j <= nd && rows[i] in new; j++)
			for (k = 1; k <= nr; k++) {
				ratio = count[2, rows[i], devices[j], regions[k]] / \
					count[1, "across-direct-direct", devices[j], regions[k]]
				if (ratio > dearest)
					dearest = ratio
			}
	print "\n## What follows\n"
	print "In one IOAS a replace between direct and nested has nothing to do at stock, which"
	printf "reserves the same for both. At the end it costs at most %.2f of what stock takes for\n",
		dearest
	print "a replace across IOASs."
	printf "\nWith one region nothing else costs more than %.3f of stock (%s).\n", worst, where
	if (worst > most) {
		printf "table.awk: that is more than %.2f.\n", most >"/dev/stderr"
		exit 1
	}
}
