#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Names are bytes: threads, commands and files whose names hold control characters and
# bytes that are no UTF-8.  Nothing of it reaches a terminal, or is missing from JSON.
#
# usage: names.t            (O: the build folder, as for make)
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
top=$(cd -- "$here/../.." && pwd -P)
O=$(realpath -- "${O:-$top/build}")
export O
. "$here/own-run.sh"
kvmsched=$O/tools/kvmsched
work=$(mktemp -d)
thread=

cleanup()
{
	[[ ! $thread ]] || kill "$thread"
	rm -rf -- "$work"
}
trap cleanup EXIT
tap_log=$work/err
. "$top/tests/tap.sh"
cd -- "$work"

holds()		# holds TEXT FILE
{
	LC_ALL=C grep -Fqe "$1" "$2"
}

# Newlines are ours; other control characters are not.
is_clean()	# is_clean FILE
{
	iconv -f UTF-8 -t UTF-8 "$1" > /dev/null || return
	silent env LC_ALL=C grep -aP '[\x00-\x09\x0b-\x1f\x7f]' "$1"
}

# --- a recording --------------------------------------------------------

mkdir plain
"$O/unit/stories" "$top/tests/golden/formats" plain
# The thief of the story, under a name of as many bytes
LC_ALL=C sed 's/stress\x00/\xff\x1b[\o134x1\x00/' plain/everything.dat > bad.dat
name='\xff\x1b[\x5cx1' shown='\xff\x1b[\x1'
ok "the recording has such a name" holds $'\xff\x1b[\\x1' bad.dat

reports=$("$kvmsched" report --help | sed -n '/^Reports:/,$s/^  \([a-z]*\) .*/\1/p')
[[ -n $reports ]] || { echo "Bail out! no reports"; exit 1; }
for report in $reports summary; do
	[[ $report != guest ]] || continue	# needs a guest's recording, too: guest.t
	words=("$report")
	[[ $report != summary ]] || words=()
	"$kvmsched" report ${words[@]+"${words[@]}"} bad.dat > out 2> err
	ok "report $report: nothing but text" is_clean out
	"$kvmsched" report ${words[@]+"${words[@]}"} --json bad.dat > json 2> err
	"$kvmsched" report ${words[@]+"${words[@]}"} --json plain/everything.dat > json.plain
	ok "report $report --json is text" is_clean json
	is "$(wc -l < json)" "$(wc -l < json.plain)" "report $report --json lacks nothing"
done
"$kvmsched" report thieves bad.dat > out
ok "report thieves names it" holds "$shown" out
"$kvmsched" report thieves --json bad.dat > json
ok "report thieves --json has all of its bytes" holds "${name//\\/\\\\}" json

file=$'no\x1b[2J\xff.dat'
"$kvmsched" report "$file" > out 2> err || :
ok "a message about a file is clean" is_clean err
ok "it names the file" holds 'no\x1b[2J\xff.dat' err

cp plain/everything.dat "$file"
"$kvmsched" compare --json "$file" b="$file" > json 2> err || :
ok "compare --json names arms by such files" holds 'no\\x1b[2J\\xff' json
is "$(grep -c '"name": "b"' json)" "$(grep -cF '"name": "no\\' json)" "it has both arms everywhere"
"$kvmsched" compare "$file" b="$file" > out 2> err || :
ok "compare prints nothing but text" is_clean out

# The folder of an experiment, whose result.json has the names as text already
mkdir folder
cp plain/everything.dat folder/1.dat
cat > folder/result.json <<- 'END'
	{ "arms": [ { "name": "n\\xff\\x1b" }, { "name": "b" } ], "rounds": [
	  { "arm": "n\\xff\\x1b", "file": "1.dat" }, { "arm": "b", "file": "1.dat" } ] }
END
"$kvmsched" compare --baseline $'n\xff\x1b' folder > out 2> err || :
ok "compare knows an arm by the bytes of its name" holds 'b against n\xff\x1b:' out
"$kvmsched" compare --json folder > json 2> err || :
ok "and its name as it is in result.json" holds '"name": "n\\xff\\x1b"' json

# --- policies -----------------------------------------------------------

if ! own_state "$work"; then
	skip "policies of threads with such names" "$why_no_state"
	finish
	exit
fi

mkfifo wait
{ printf 'vcpu\xff\x1b[' > /proc/$BASHPID/comm; read -r _ < wait; } &
thread=$!
for ((i = 0; i < 100; i++)); do
	! holds vcpu "/proc/$thread/comm" || break
	sleep 0.05
done
policy() { chrt -p "$thread" | sed -n '1s/.*: //p'; }

"$kvmsched" policy show --tid "$thread" --json > json 2> err
ok "policy show --json has the thread" holds '"comm": "vcpu\\xff\\x1b["' json
"$kvmsched" policy show --tid "$thread" > out 2> err
ok "policy show prints nothing but text" is_clean out
ok "policy show names it" holds 'vcpu\xff\x1b[' out

before=$(policy)
"$kvmsched" policy set --tid "$thread" batch:5 -- \
	bash -c "cat $state/*.json > state; chrt -p $thread > during" $'\xff\x1b' 2> err
ok "policy set writes down the thread" holds '"comm": "vcpu\\xff\\x1b["' state
ok "and its own arguments" holds '\\xff\\x1b' state
ok "it changes the policy" holds SCHED_BATCH during
is "$(policy)" "$before" "and puts it back"

"$kvmsched" policy set --tid "$thread" batch:5 2> err
is "$(policy)" SCHED_BATCH "policy set without an end changes it"
"$kvmsched" policy restore > out 2> err
is "$(policy)" "$before" "policy restore puts it back"

finish
