// SPDX-License-Identifier: GPL-2.0
/*
 * generate - put small faults into a source of the kernel, each behind a switch
 *
 *	generate SOURCE OUT FIRST LINE[,COUNT]...
 *
 * Writes SOURCE to OUT with every fault this program can think of in the code on
 * the given lines. A fault is there only while MUTANT(N) (mutant.h) says so, so
 * that one kernel has them all. They are numbered from FIRST; stdout has a line
 * for each:
 *
 *	N FILE:FUNCTION:KIND:NTH LINE KEY OLD => NEW
 *
 * where NTH counts those of a KIND in a function, and KEY changes with the code of
 * the function, not with its comments or its place in the file.
 *
 * It knows C's tokens and statements, not types or macros, and the kernel's style
 * helps it to tell them apart. An expression with faults in it becomes
 *
 *	(MUTANT(1) ? (one fault) : MUTANT(2) ? (another one) : (the expression))
 *
 * and a statement
 *
 *	if (MUTANT(3)) fault; else if (MUTANT(4)) ; else statement
 *
 * Left alone are: data (tables of operations, static variables), types, headers,
 * lockdep_assert_held() and its like, and pointers set to NULL, which tell nothing
 * when the next line falls over them.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { IDENT, NUMBER, TEXT, OP };

struct token {
	enum kind kind;
	const char *at;
	int len;
	int line;
	int mate;	/* of a bracket: the token that closes or opens it */
	bool added;
};

struct insert {
	const char *at;
	char *text;
	int nr;
};

struct fault {
	int number;
	char *text;	/* what the expression or statement becomes */
};

static const char *source, *name;
static struct token *tok;
static int nr_tok;
static struct insert *inserts;
static int nr_inserts;
static int number;

/* Which lines are asked for */
static int (*wanted)[2];
static int nr_wanted;

/* The function or macro in hand */
static char function[100];
static int function_name, function_open;	/* its tokens */
static uint64_t function_key;
static struct {
	char kind[20];
	int n;
} *counts;
static int nr_counts;

/* The expression or statement in hand: tokens begin to end - 1, and its faults */
static struct {
	int begin, end;
	struct fault *faults;
	int nr;
} it;

static void *grow(void *array, int nr, size_t size)
{
	/* whenever the number is a power of two, twice as many */
	if (nr & (nr - 1))
		return array;
	array = realloc(array, (nr ? nr * 2 : 1) * size);
	if (!array)
		abort();
	return array;
}

static char *format(const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	va_end(ap);
	return text;
}

static void die(const char *what, int line)
{
	fprintf(stderr, "generate: %s:%d: %s\n", name, line, what);
	exit(1);
}

static bool is(int i, const char *text)
{
	return i >= 0 && i < nr_tok && tok[i].len == (int)strlen(text) &&
	       !strncmp(tok[i].at, text, tok[i].len);
}

/* Is the token one of these words? */
static bool in(int i, const char *const *words)
{
	for (; *words; words++)
		if (is(i, *words))
			return true;
	return false;
}
#define IN(i, ...) in(i, (const char *const[]){ __VA_ARGS__, NULL })

static bool added(int begin, int end)
{
	for (; begin < end; begin++)
		if (tok[begin].added)
			return true;
	return false;
}

/* ---- Tokens ---- */

static const char *skip_blank(const char *p, int *line)
{
	for (;;) {
		if (*p == '\n') {
			++*line;
			p++;
		} else if (isspace(*p) || (*p == '\\' && p[1] == '\n')) {
			p++;
		} else if (!strncmp(p, "/*", 2)) {
			for (p += 2; strncmp(p, "*/", 2); p++)
				*line += *p == '\n';
			p += 2;
		} else if (!strncmp(p, "//", 2)) {
			while (*p && *p != '\n')
				p++;
		} else {
			return p;
		}
	}
}

static const char *read_token(const char *p, int line)
{
	static const char *const ops[] = {
		"<<=", ">>=", "...", "->", "++", "--", "<<", ">>", "<=", ">=",
		"==", "!=", "&&", "||", "+=", "-=", "*=", "/=", "%=", "&=",
		"|=", "^=", "##", NULL
	};
	struct token t = { OP, p, 1, line, -1, false };

	if (isalpha(*p) || *p == '_') {
		t.kind = IDENT;
		while (isalnum(p[t.len]) || p[t.len] == '_')
			t.len++;
	} else if (isdigit(*p)) {
		t.kind = NUMBER;
		while (isalnum(p[t.len]))
			t.len++;
	} else if (*p == '"' || *p == '\'') {
		t.kind = TEXT;
		while (p[t.len] != *p)
			t.len += 1 + (p[t.len] == '\\');
		t.len++;
	} else {
		for (int i = 0; ops[i]; i++) {
			if (!strncmp(p, ops[i], strlen(ops[i]))) {
				t.len = strlen(ops[i]);
				break;
			}
		}
	}
	for (int i = 0; i < nr_wanted; i++)
		t.added |= line >= wanted[i][0] && line < wanted[i][0] + wanted[i][1];
	tok = grow(tok, nr_tok, sizeof(*tok));
	tok[nr_tok++] = t;
	return p + t.len;
}

static void match_brackets(void)
{
	int open[200], depth = 0;

	for (int i = 0; i < nr_tok; i++) {
		if (IN(i, "(", "[", "{")) {
			if (depth == 200)
				die("too many brackets", tok[i].line);
			open[depth++] = i;
		} else if (IN(i, ")", "]", "}")) {
			if (!depth)
				die("a bracket that nothing opens", tok[i].line);
			tok[i].mate = open[--depth];
			tok[open[depth]].mate = i;
		}
	}
	if (depth)
		die("a bracket that nothing closes", tok[open[0]].line);
}

/* ---- Faults ---- */

/* The source from one token to before another, on one line, for people */
static char *flat(const char *from, const char *to)
{
	char *text = malloc(to - from + 1), *p = text;

	if (!text)
		abort();
	for (; from < to; from++) {
		if (!isspace(*from) && *from != '\\')
			*p++ = *from;
		else if (p > text && p[-1] != ' ')
			*p++ = ' ';
	}
	*p = 0;
	return text;
}

static const char *end_of(int token)
{
	return tok[token].at + tok[token].len;
}

/*
 * One more fault: the tokens from to last of what is in hand become new. People
 * are told that the tokens old to old_last do.
 */
static void fault_told(const char *kind, int from, int last, const char *new,
		       int old, int old_last, const char *told)
{
	const char *begin = tok[it.begin].at, *end = end_of(it.end - 1);
	char *text;
	int i;

	if (!added(old, old_last + 1))
		return;
	text = format("%.*s%s%.*s", (int)(tok[from].at - begin), begin, new,
		      (int)(end - end_of(last)), end_of(last));
	for (i = 0; i < it.nr; i++)
		if (!strcmp(it.faults[i].text, text))
			return;

	for (i = 0; i < nr_counts && strcmp(counts[i].kind, kind); i++)
		;
	if (i == nr_counts) {
		counts = grow(counts, nr_counts, sizeof(*counts));
		strcpy(counts[nr_counts].kind, kind);
		counts[nr_counts++].n = 0;
	}
	printf("%d %s:%s:%s:%d %d %016llx %s => %s\n", number, name, function, kind,
	       ++counts[i].n, tok[old].line, (unsigned long long)function_key,
	       flat(tok[old].at, end_of(old_last)),
	       *told ? flat(told, told + strlen(told)) : "nothing");
	it.faults = grow(it.faults, it.nr, sizeof(*it.faults));
	it.faults[it.nr++] = (struct fault){ number++, text };
}

static void fault(const char *kind, int from, int last, const char *new)
{
	fault_told(kind, from, last, new, from, last, new);
}

static void insert(const char *at, char *text)
{
	inserts = grow(inserts, nr_inserts, sizeof(*inserts));
	inserts[nr_inserts] = (struct insert){ at, text, nr_inserts };
	nr_inserts++;
}

static void begin(int from, int end)
{
	it.begin = from;
	it.end = end;
	it.nr = 0;
}

/* What is in hand is an expression; @bool: only whether it is zero matters */
static void put_expression(bool as_bool)
{
	const char *yes = as_bool ? "!!" : "";
	char *text = format("(");

	if (!it.nr)
		return;
	for (int i = 0; i < it.nr; i++)
		text = format("%sMUTANT(%d) ? %s(%s) : ", text,
			      it.faults[i].number, yes, it.faults[i].text);
	insert(tok[it.begin].at, format("%s%s(", text, yes));
	insert(end_of(it.end - 1), "))");
}

static void put_statement(void)
{
	char *text = "";

	for (int i = 0; i < it.nr; i++)
		text = format("%sif (MUTANT(%d)) { %s; } else ", text,
			      it.faults[i].number, it.faults[i].text);
	if (it.nr)
		insert(tok[it.begin].at, text);
}

/* ---- Expressions ---- */

/* How tightly a binary operator binds; 0: it is none */
static int binds(int i)
{
	static const char *const levels[] = {
		" , ", " = += -= *= /= %= &= |= ^= <<= >>= ", " ? : ", " || ",
		" && ", " | ", " ^ ", " & ", " == != ", " < <= > >= ",
		" << >> ", " + - ", " * / % "
	};
	char word[8];

	if (tok[i].kind != OP)
		return 0;
	/* unary, unless a value is before it; a ")" may end a cast */
	if (IN(i, "+", "-", "*", "&") &&
	    (i == it.begin || !(tok[i - 1].kind != OP || IN(i - 1, ")", "]")) ||
	     is(i - 1, "return") || is(i - 1, "sizeof") ||
	     (is(i - 1, ")") && is(i - 2, "*"))))
		return 0;
	snprintf(word, sizeof(word), " %.*s ", tok[i].len, tok[i].at);
	for (size_t l = 0; l < sizeof(levels) / sizeof(*levels); l++)
		if (strstr(levels[l], word))
			return l + 1;
	return 0;
}

/* Where the operand of operator @i begins on its left, or ends on its right */
static int operand(int i, int step)
{
	int level = binds(i), j = i + step;

	while (j >= it.begin && j < it.end) {
		if (tok[j].mate >= 0) {
			if ((tok[j].mate - j) * step < 0)
				break;
			j = tok[j].mate;
		} else if (IN(j, ";", "return") || (binds(j) && binds(j) <= level)) {
			break;
		}
		j += step;
	}
	return j - step;
}

/* Is it one comparison, whose faults are those of its operator? */
static bool is_comparison(int from, int last)
{
	bool found = false;

	for (int i = from; i <= last; i++) {
		if (tok[i].mate > i) {
			i = tok[i].mate;
			continue;
		}
		if (binds(i) && binds(i) < 9)
			return false;
		found |= binds(i) == 9 || binds(i) == 10;
	}
	return found;
}

/* ... the other way round */
static void negated(const char *kind, int from, int last)
{
	int i = from + 1;

	if (is_comparison(from, last))
		return;
	if (is(from, "!")) {
		while (i < last && !binds(i))
			i = tok[i].mate > i ? tok[i].mate + 1 : i + 1;
		if (i >= last) {
			fault(kind, from, last,
			      format("%.*s", (int)(end_of(last) - end_of(from)),
				     end_of(from)));
			return;
		}
	}
	fault(kind, from, last,
	      format("!(%.*s)", (int)(end_of(last) - tok[from].at), tok[from].at));
}

static void logical(int i)
{
	bool and = is(i, "&&");
	int left = operand(i, -1), right = operand(i, 1);

	fault("logic", i, i, and ? "||" : "&&");
	/* the operand on the left of a chain, and each on the right of an operator */
	if (left == it.begin || binds(left - 1) != binds(i)) {
		fault("operand", left, i - 1, and ? "1" : "0");
		negated("operand-not", left, i - 1);
	}
	fault("operand", i + 1, right, and ? "1" : "0");
	negated("operand-not", i + 1, right);
}

static void num(int i)
{
	char *suffix;
	unsigned long long value = strtoull(tok[i].at, &suffix, 0);
	int rest = end_of(i) - suffix;

	fault("number", i, i, format("%llu%.*s", value + 1, rest, suffix));
	if (value)
		fault("number", i, i, format("%llu%.*s", value - 1, rest, suffix));
}

/* A value that is worth setting to 0: not a constant, a string or a struct */
static bool worth_zero(int from, int last)
{
	if (IN(from, "{", "*", "&", "\"") || tok[from].kind == TEXT ||
	    (is(from, "(") && is(tok[from].mate + 1, "{")))
		return false;
	return from != last || !(tok[from].kind == NUMBER || IN(from, "true", "false", "NULL"));
}

/* Does this function declare the token's name as a pointer? */
static bool is_pointer(int i)
{
	for (int j = function_name; j < i; j++)
		if (is(j, "*") && tok[j + 1].len == tok[i].len &&
		    !strncmp(tok[j + 1].at, tok[i].at, tok[i].len) &&
		    IN(j + 2, ";", ",", "=", ")"))
			return true;
	return false;
}

static const char *const swaps[][3] = {
	{ "compare", "==", "!=" }, { "compare", "!=", "==" },
	{ "compare", "<", "<=" }, { "compare", "<", ">=" },
	{ "compare", "<=", "<" }, { "compare", "<=", ">" },
	{ "compare", ">", ">=" }, { "compare", ">", "<=" },
	{ "compare", ">=", ">" }, { "compare", ">=", "<" },
	{ "arithmetic", "++", "--" }, { "arithmetic", "--", "++" },
	{ "arithmetic", "+=", "-=" }, { "arithmetic", "-=", "+=" },
	{ "arithmetic", "max", "min" }, { "arithmetic", "min", "max" },
	{ "arithmetic", "max_t", "min_t" }, { "arithmetic", "min_t", "max_t" },
	{ "bits", "~", "" }, { "bits", "|=", "&=" }, { "bits", "&=", "|=" },
	{ "bool", "true", "false" }, { "bool", "false", "true" },
	{ "not", "!", "" },
};

/* Every fault inside an expression or a statement without others in it */
static void inside(void)
{
	for (int i = it.begin; i < it.end; i++) {
		for (size_t s = 0; s < sizeof(swaps) / sizeof(*swaps); s++)
			if (is(i, swaps[s][1]) &&
			    (tok[i].kind == OP ? !IN(i, "<", ">", "<=", ">=") || binds(i) :
			     swaps[s][0][0] != 'a' || is(i + 1, "(")))
				fault(swaps[s][0], i, i, swaps[s][2]);
		if (IN(i, "&&", "||")) {
			logical(i);
		} else if (IN(i, "+", "-") && binds(i) && !is_pointer(i + 1)) {
			fault("arithmetic", i, i, is(i, "+") ? "-" : "+");
		} else if (is(i, "|")) {
			/* flags: without each of them */
			if (operand(i, -1) == it.begin || !is(operand(i, -1) - 1, "|"))
				fault("bits", operand(i, -1), i - 1, "0");
			fault("bits", i + 1, operand(i, 1), "0");
		} else if (is(i, "&") && binds(i)) {
			fault("bits", i, i, "|");
		} else if (is(i, "?")) {
			fault("operand", operand(i, -1), i - 1, "0");
			if (!is(i + 1, ":"))
				fault("operand", operand(i, -1), i - 1, "1");
		} else if (tok[i].kind == NUMBER) {
			num(i);
		} else if (tok[i].kind == IDENT && tok[i].at[0] == 'E' && is(i - 1, "-") &&
			   isupper(tok[i].at[1])) {
			fault("error", i, i, "EDOM");
		} else if (is(i, "=") && IN(i - 3, "{", ",") && is(i - 2, ".") &&
			   i - 3 >= it.begin && worth_zero(i + 1, operand(i, 1))) {
			fault("zero", i + 1, operand(i, 1), "0");
		}
	}
}

static void condition(int from, int end)
{
	begin(from, end);
	if (from == end)
		return;
	inside();
	fault("true", from, end - 1, "1");
	fault("false", from, end - 1, "0");
	negated("not", from, end - 1);
	put_expression(true);
}

static void expression(int from, int end)
{
	begin(from, end);
	inside();
	put_expression(false);
}

/* ---- Statements ---- */

static bool is_declaration(int i)
{
	static const char *const words[] = {
		"struct", "enum", "union", "const", "static", "unsigned", "int",
		"bool", "void", "char", "long", "size_t", "u8", "u16", "u32",
		"u64", "LIST_HEAD", "guard", "static_assert", NULL
	};

	return in(i, words) || (is(i + 1, "*") && tok[i + 2].kind == IDENT &&
				IN(i + 3, "=", ";", ",", "[")) ||
	       (tok[i].kind == IDENT && tok[i + 1].kind == IDENT &&
		!IN(i, "return", "goto", "else"));
}

static int find(int i, const char *what)
{
	while (!is(i, what)) {
		if (i >= nr_tok)
			die("the file ends in a statement", tok[nr_tok - 1].line);
		i = tok[i].mate > i ? tok[i].mate + 1 : i + 1;
	}
	return i;
}

static void declaration(int i, int end)
{
	if (IN(i, "static", "static_assert"))
		return;
	for (; i < end; i++) {
		if (is(i, "=")) {
			int to = i + 1;

			while (to < end && !is(to, ","))
				to = tok[to].mate > to ? tok[to].mate + 1 : to + 1;
			begin(i + 1, to);
			inside();
			if (!is(i - 2, "*") && worth_zero(i + 1, to - 1))
				fault("zero", i + 1, to - 1, "0");
			if (!is(i + 1, "{"))
				put_expression(false);
			i = to;
		} else if (tok[i].mate > i) {
			i = tok[i].mate;
		}
	}
}

/* A statement that has no others in it; @delete: also try without it */
static void simple(int i, int end, bool delete)
{
	begin(i, end);
	inside();
	if (is(i, "return") && end > i + 1 && worth_zero(i + 1, end - 1))
		fault("zero", i + 1, end - 1, "0");
	if (tok[i].kind == IDENT && is(i + 1, "=") && !is_pointer(i) &&
	    worth_zero(i + 2, end - 1))
		fault("zero", i + 2, end - 1, "0");
	else if (delete && !(tok[i].len > 6 && strncmp(tok[i].at, "lockdep_assert", 14) == 0))
		fault("delete", i, end - 1, "");
	put_statement();
}

static int statement(int i, bool delete);

static int block(int i)
{
	int end = tok[i].mate;

	while (++i < end)
		/* a function that is to return something has to */
		i = statement(i, !is(i, "return") || tok[end].mate != function_open) - 1;
	return end + 1;
}

/* An "if" without its only statement is as if it were false */
static bool is_all_of_if(int i)
{
	bool braces = is(i, "{");
	int end;

	i += braces;
	if (IN(i, "if", "for", "while", "switch", "do"))
		return false;
	end = find(i, ";") + 1;
	if (braces && !is(end++, "}"))
		return false;
	return !is(end, "else");
}

/* Each case is not found */
static void switches(int open)
{
	int from = open + 1, last = tok[open].mate - 1;
	int len = end_of(last) - tok[from].at;

	begin(from, last + 1);
	inside();
	for (int i = last + 3; i < tok[last + 2].mate; i++) {
		int colon = is(i, "case") ? find(i, ":") : 0;

		if (colon)
			fault_told("case", from, last,
				   format("%.*s == (%.*s) ? -1 : %.*s", len, tok[from].at,
					  (int)(tok[colon].at - tok[i + 1].at), tok[i + 1].at,
					  len, tok[from].at), i, colon, "");
	}
	put_expression(false);
}

/* Returns what comes behind it */
static int statement(int i, bool delete)
{
	int end;

	if (is(i, "{"))
		return block(i);
	if (is(i, ";"))
		return i + 1;
	if (IN(i, "case", "default"))
		return find(i, ":") + 1;
	if (tok[i].kind == IDENT && is(i + 1, ":"))
		return i + 2;
	if (is(i, "else"))
		return statement(i + 1, true);
	if (is(i, "do")) {
		i = statement(i + 1, true);
		condition(i + 2, tok[i + 1].mate);
		return tok[i + 1].mate + 2;
	}
	if (IN(i, "if", "while")) {
		end = tok[i + 1].mate + 1;
		condition(i + 2, end - 1);
		if (it.nr && is(i, "if") && is_all_of_if(end)) {
			bool braces = is(end, "{");

			return statement(end + braces, false) + braces;
		}
		end = statement(end, true);
		return is(end, "else") ? statement(end, true) : end;
	}
	if (is(i, "for")) {
		int one = find(i + 2, ";"), two = find(one + 1, ";");

		expression(i + 2, one);
		condition(one + 1, two);
		expression(two + 1, tok[i + 1].mate);
		return statement(tok[i + 1].mate + 1, true);
	}
	if (is(i, "switch")) {
		switches(i + 1);
		return block(tok[i + 1].mate + 1);
	}
	/* a loop of a macro */
	if (tok[i].kind == IDENT && is(i + 1, "(") &&
	    (is(tok[i + 1].mate + 1, "{") || tok[tok[i + 1].mate + 1].kind == IDENT)) {
		begin(i, tok[i + 1].mate + 1);
		fault("delete", i, it.end - 1, "");
		put_statement();
		return statement(it.end, true);
	}
	end = find(i, ";");
	if (is_declaration(i))
		declaration(i, end);
	else
		simple(i, end, delete);
	return end + 1;
}

/* ---- The file ---- */

static void in_function(int name_at, int from, int last)
{
	function_name = name_at;
	function_open = from;
	snprintf(function, sizeof(function), "%.*s", tok[name_at].len, tok[name_at].at);
	nr_counts = 0;
	function_key = 0xcbf29ce484222325;
	for (int i = from; i <= last; i++)
		for (int c = 0; c <= tok[i].len; c++)
			function_key = (function_key ^ (c < tok[i].len ? tok[i].at[c] : ' ')) *
				       0x100000001b3;
}

/* A macro that stands for a value; its tokens are gone afterwards */
static const char *macro(const char *p, int *line)
{
	int first = nr_tok, at = *line;
	const char *end = p;

	for (; *end && !(*end == '\n' && end[-1] != '\\'); end++)
		*line += *end == '\n';
	if (strncmp(p, "#define ", 8))
		return end;
	for (p = skip_blank(p + 8, &at); p < end; p = skip_blank(p, &at))
		p = read_token(p, at);
	/* not one with arguments */
	if (nr_tok > first + 1 && *end_of(first) != '(') {
		match_brackets();
		in_function(first, first, nr_tok - 1);
		expression(first + 1, nr_tok);
	}
	nr_tok = first;
	return end;
}

static int by_place(const void *a, const void *b)
{
	const struct insert *l = a, *r = b;

	return l->at != r->at ? (l->at > r->at) - (l->at < r->at) : l->nr - r->nr;
}

static char *read_all(const char *path)
{
	FILE *f = fopen(path, "re");
	size_t len = 0, room = 1 << 22;
	char *text = calloc(1, room);

	if (!f || !text) {
		perror(path);
		exit(1);
	}
	len = fread(text, 1, room - 1, f);
	if (len == room - 1)
		die("the file is too long", 0);
	fclose(f);
	return text;
}

int main(int argc, char **argv)
{
	const char *p;
	int line = 1;
	FILE *out;

	if (argc < 5) {
		fputs("usage: generate SOURCE OUT FIRST LINE[,COUNT]...\n", stderr);
		return 2;
	}
	source = read_all(argv[1]);
	name = strrchr(argv[1], '/') ? strrchr(argv[1], '/') + 1 : argv[1];
	number = atoi(argv[3]);
	wanted = calloc(argc, sizeof(*wanted));
	for (int i = 4; i < argc; i++) {
		wanted[nr_wanted][1] = 1;
		if (sscanf(argv[i], "%d,%d", &wanted[nr_wanted][0], &wanted[nr_wanted][1]) < 1)
			die(argv[i], 0);
		nr_wanted++;
	}

	for (p = skip_blank(source, &line); *p; p = skip_blank(p, &line))
		p = *p == '#' ? macro(p, &line) : read_token(p, line);
	match_brackets();
	for (int i = 0; i < nr_tok; i++) {
		if (is(i, "{") && is(i - 1, ")")) {
			in_function(tok[i - 1].mate - 1, i, tok[i].mate);
			block(i);
		}
		if (is(i, "{"))
			i = tok[i].mate;
	}

	/* what comes later at one place is inside what came before */
	qsort(inserts, nr_inserts, sizeof(*inserts), by_place);
	out = fopen(argv[2], "we");
	if (!out) {
		perror(argv[2]);
		return 1;
	}
	fputs("#include <linux/mutant.h>\n", out);
	p = source;
	for (int i = 0; i < nr_inserts; i++) {
		fprintf(out, "%.*s%s", (int)(inserts[i].at - p), p, inserts[i].text);
		p = inserts[i].at;
	}
	fputs(p, out);
	if (fclose(out)) {
		perror(argv[2]);
		return 1;
	}
	return 0;
}
