# A C file as logical lines: what continues a statement is joined to it, and
# white space within a line is one space.  Two files that are equal this way
# differ only in their columns and in where long lines are broken, which KNF
# leaves to the author.  Comments and preprocessor lines are left out.
function flush() {
	# Where a line was broken there may be a space or not.
	gsub(/[({] /, "&\001", held)
	gsub(/ \001/, "", held)
	gsub(/ [)}.+]/, "\001&", held)
	gsub(/\001 /, "", held)
	gsub(/\) &/, ")\\&", held)
	if (held != "")
		print held
	held = ""
	depth = 0
}
function parentheses(line) {
	gsub(/'.'|"([^"\\]|\\.)*"/, "", line)
	# An initializer is one thing as a whole.
	if (held ~ /= \{/)
		return gsub(/[({]/, "", line) - gsub(/[)}]/, "", line)
	return gsub(/[(]/, "", line) - gsub(/[)]/, "", line)
}
/^#/ || pre {
	flush()
	pre = /\\$/
	next
}
incomment {
	if (/\*\//)
		incomment = 0
	next
}
/^[ \t]*$/ {
	flush()
	next
}
/^[ \t]*\/\*/ {
	flush()
	incomment = !/\*\//
	next
}
{
	gsub(/[ \t]*\/\*([^*]|\*[^\/])*\*\//, "")
	if (/\/\*/) {
		sub(/[ \t]*\/\*.*$/, "")
		incomment = 1
	}
	match($0, /^[ \t]*/)
	lead = substr($0, 1, RLENGTH)
	rest = substr($0, RLENGTH + 1)
	sub(/[ \t]+$/, "", rest)
	gsub(/[ \t]+/, " ", rest)
	held = held == "" ? lead rest : held " " rest
	depth += parentheses(rest)
	if (rest ~ /^}.*= \{$/)
		depth = 1
	if (depth <= 0 && (rest ~ /[;{}]$/ || held ~ /^[ \t]*[a-z_]+:$/))
		flush()
}
END {
	flush()
}
