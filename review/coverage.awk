# SPDX-License-Identifier: GPL-2.0
# coverage.awk - joins what lcov counted with the lines that the series adds, and with
# the arguments of review/unreached; review/coverage runs it:
#
#   awk -v tree=DIR -v info=OUT -v list=OUT -v enough=PERCENT
#	DIFF UNREACHED INFO...
#
# Writes the counts of the added lines alone to info, for genhtml, those that nothing
# reaches to list, and KTAP to stdout. The same source may have been compiled more
# than once (one INFO each), and its branches may then differ: those of a line are
# taken from where most of them were reached.

function trim(s) { gsub(/^[ \t]+|[ \t]+$/, "", s); return s }

# the KTAP of one check, with what is wrong with it
function check(good, text, why) {
	tests++
	failed += !good
	if (!good)
		print "# " why
	print (good ? "ok " : "not ok ") tests " " text
}

# many(2, "line"): "2 lines"
function many(n, what) { return n == 1 ? "1 " what : n " " what (what ~ /ch$/ ? "es" : "s") }

FNR == 1 { part++ }

# The diff, without context: "added" has the lines of the series
part == 1 && more > 0 && /^\+/ {
	more--
	order[++lines] = file SUBSEP at
	text[file, at++] = trim(substr($0, 2))
	next
}
part == 1 && /^\+\+\+ / { file = substr($0, 7); source[file] = file ~ /\.c$/; next }
part == 1 && /^@@ / {
	n = split(substr($3, 2), where, ",")
	at = where[1]
	more = n > 1 ? where[2] : 1
	next
}
part == 1 { next }

# The arguments, a paragraph each
part == 2 && /^#/ { next }
part == 2 && /^$/ { row = 0; next }
part == 2 && ++row == 1 {
	entry[++entries] = $0
	entry_file[entries] = $1
	entry_key[entries] = $1 SUBSEP $2
	count = $3 ~ /^[0-9]+$/ ? $3 : 1
	entry_count[entries] = count
	entry_kind[entries] = $NF ~ /^lines?$/ ? "line" : $NF ~ /^branch(es)?$/ ? "branch" : "?"
	next
}
part == 2 && row == 2 { entry_key[entries] = entry_key[entries] SUBSEP trim($0); next }
part == 2 { entry_why[entries] = 1; next }

# What was counted
/^SF:/ {
	file = substr($0, 4)
	sub("^" tree "/", "", file)
	seen[file] = 1
	next
}
/^FN:/ {
	n = split(substr($0, 4), where, ",")
	begins[file, where[1]] = where[n]
	next
}
# lcov 2 has where a function begins and what it is called on two lines
/^FNL:/ {
	split(substr($0, 5), where, ",")
	first[where[1]] = where[2]
	next
}
/^FNA:/ {
	split(substr($0, 5), where, ",")
	begins[file, first[where[1]]] = where[3]
	next
}
/^DA:/ {
	split(substr($0, 4), where, ",")
	if ((file, where[1]) in text)
		hits[file, where[1]] += where[2]
	next
}
/^BRDA:/ {
	split(substr($0, 6), where, ",")
	line = file SUBSEP where[1]
	if (!(line in text))
		next
	b = ++branches[line, part]
	branch[line, part, b] = where[2] "," where[3] "," where[4]
	if (where[4] ~ /^[1-9]/)
		taken[line, part]++
	else
		never[line, part] = never[line, part] (never[line, part] ? ", " : "") b
}

# the function that a line is in
function in_function(file, at) {
	for (; at > 0; at--)
		if ((file, at) in begins)
			return begins[file, at] "()"
	return "-"
}

END {
	for (i = 1; i <= lines; i++) {
		line = order[i]
		split(line, where, SUBSEP)
		if (!(line in hits))
			continue
		if (where[1] != file || i == 1) {
			if (open)
				print "end_of_record" >info
			file = where[1]
			print "SF:" tree "/" file >info
			open = 1
		}
		print "DA:" where[2] "," hits[line] >info
		sum_lines++
		sum_reached += hits[line] > 0

		best = 0
		for (p = 3; p <= part; p++)
			if (branches[line, p] && (!best ||
			    branches[line, p] - taken[line, p] < branches[line, best] - taken[line, best]))
				best = p
		for (b = 1; best && b <= branches[line, best]; b++)
			print "BRDA:" where[2] "," branch[line, best, b] >info
		sum_branches += branches[line, best]
		sum_taken += taken[line, best]

		kind = "line"
		n = !hits[line]
		if (!n) {
			kind = "branch"
			n = branches[line, best] - taken[line, best]
		}
		fn = in_function(file, where[2])
		exists[file, fn, text[line]] = 1
		if (n) {
			key = file SUBSEP fn SUBSEP text[line] SUBSEP kind
			unreached[key] += n
			items++
			item_key[items] = key
			item_text[items] = file ":" where[2] ": " fn ": " \
				(kind == "line" ? kind : (n == 1 ? "branch " : "branches ") \
				 never[line, best] " of " branches[line, best]) "\n\t" text[line]
		}
	}
	if (open)
		print "end_of_record" >info

	for (e = 1; e <= entries; e++) {
		key = entry_key[e] SUBSEP entry_kind[e]
		n = unreached[key] + 0
		why = ""
		if (entry_kind[e] == "?" || !entry_why[e])
			why = "not an argument: FILE FUNCTION() N lines|branches, a line with the code, and why"
		else if (!(entry_key[e] in exists))
			why = "the series adds no such line there"
		else if (!n)
			why = "it is reached after all"
		else if (n < entry_count[e])
			why = "only " many(n, entry_kind[e]) " of it is not reached any more"
		argued[key] += entry_count[e]
		sum_argued[entry_kind[e]] += n < entry_count[e] ? n : entry_count[e]
		check(!why, "argued: " entry[e], why)
	}

	lost = ""
	for (f in source)
		if (source[f] && !(f in seen))
			lost = lost " " f
	check(!lost, "every source of the series was counted", "no counts of" lost)

	wrong = 0
	for (i = 1; i <= items; i++) {
		good = unreached[item_key[i]] <= argued[item_key[i]]
		print item_text[i] "\n\t" (good ? "argued in review/unreached" : "NOT REACHED") >list
		if (!good && item_key[i] ~ /line$/)
			wrong++
	}
	check(!wrong, "every line that the series adds is reached, or argued",
		many(wrong, "line") " neither reached nor argued: see " list)
	printf "# lines: %d of %d reached (%.1f %%), %d argued\n", sum_reached, sum_lines,
		sum_lines ? sum_reached * 100 / sum_lines : 0, sum_argued["line"]
	percent = sum_branches ? sum_taken * 100 / sum_branches : 0
	check(percent >= enough, "enough of the branches that the series adds are reached",
		"less than " enough " %: see " list)
	printf "# branches: %d of %d reached (%.1f %%), %d argued\n", sum_taken, sum_branches,
		percent, sum_argued["branch"]
	print "1.." tests
	exit failed > 0
}
