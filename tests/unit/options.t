#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Wrong arguments: every command answers them in the same words, on standard
# error alone, with status 2 and a line that says where to read more.  Which
# options there are, and which take an argument, is what --help says.
#
# usage: options.t            (O: the build folder, as for make)
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
kvmsched=$(realpath -- "${O:-$here/../../build}")/tools/kvmsched
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
# Whatever a command should write after all, it writes here.
cd -- "$work"

. "$here/../tap.sh"

# refuses "COMMAND [WORD...]" WORDS ARGUMENT...: COMMAND WORD... ARGUMENT... is
# refused with WORDS.
refuses()
{
	local words=($1) why=$2 status=0
	shift 2
	"$kvmsched" "${words[@]}" "$@" > out 2> err < /dev/null || status=$?
	is "status $status
$(cat out err)" "status 2
kvmsched ${words[0]}: $why
kvmsched: hint: see \`kvmsched ${words[0]} --help\`" "${words[*]} $*: $why"
}

# Options as --help shows them: "--name=ARGUMENT", or "--name" alone.
options_of()		# options_of COMMAND
{
	"$kvmsched" "$1" --help |
		sed -nE 's/^ {2}(-[a-z],| {3}) --([a-z-]+)([ =][A-Za-z|]+[^ ]*)?( .*)?$/\2\3/p' |
		tr ' ' '='
}

commands=$("$kvmsched" help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
[[ -n $commands ]] || { echo "Bail out! no commands"; exit 1; }
reports=$("$kvmsched" report --help | sed -n '/^Reports:/,$s/^  \([a-z]*\) .*/report \1/p')
[[ -n $reports ]] || { echo "Bail out! no reports"; exit 1; }

# --- options that don't exist, or are used in a wrong way ------------------

status=0
"$kvmsched" --bogus > out 2> err || status=$?
is "status $status
$(cat out; head -n 1 err)" "status 2
kvmsched: unknown option '--bogus'" "--bogus without a command"

mapfile -t places <<< "$commands
$reports"
for place in "${places[@]}" "policy show" "policy set" "policy restore"; do
	refuses "$place" "unknown option '--bogus'" --bogus
	refuses "$place" "unknown option '--bogus'" --bogus=3
	refuses "$place" "unknown option '-Z'" -Z
done

for command in $commands; do
	options=$(options_of "$command")
	letters=$("$kvmsched" "$command" --help |
		sed -nE 's/^  -([a-z]), --[a-z-]+[= ][A-Z].*/\1/p')
	ok "$command --help has no line of more than 80 letters" \
		silent awk 'length > 80' <("$kvmsched" "$command" --help)
	grep -qx help <<< "$options" || { echo "Bail out! $command: no options"; exit 1; }
	for option in $options; do
		name=--${option%%=*}
		if [[ $option == *=* ]]; then
			refuses "$command" "option '$name' needs an argument" "$name"
		else
			refuses "$command" "option '$name' takes no argument" "$name=1"
		fi
	done
	for letter in $letters; do
		refuses "$command" "option '-$letter' needs an argument" "-$letter"
	done
done
refuses record "option '--o' could be any of --output, --overwrite" --o=3

# --- values: one set of words for each kind ---------------------------------

while read -r kind command option limits; do
	case $kind in
	number)
		for bad in x -2 3x 99999999999999999999; do
			refuses "$command" "option '$option': '$bad' is not a number $limits" "$option" $bad
		done ;;
	time)
		for bad in x 1x -1 0x10 inf ms; do
			refuses "$command" "option '$option': '$bad' is not a number of seconds, nor a time such as 500ms" "$option" "$bad"
		done
		refuses "$command" "option '$option': '99999999s' is not a time $limits seconds" "$option" 99999999s ;;
	when)
		for bad in x 1x -1 0x10 inf ms; do
			refuses "$command" "option '$option': '$bad' is not a time: say seconds since the recording began (12.5, 500ms) or since the boot (boot:12.5), as trace-cmd prints it (@12.5), or a time of the wall clock (17:15:49)" "$option" "$bad"
		done
		for bad in 25:00 2026-02-30; do
			refuses "$command" "option '$option': '$bad' is not a time such as 17:15, 17:15:49.5 or 2026-11-29T17:15:49, with or without a zone such as Z or +01:00" "$option" "$bad"
		done
		refuses "$command" "option '$option': '@x' is not @ and a number of seconds" "$option" @x
		refuses "$command" "option '$option': 'boot:-1' is not boot: and a number of seconds" "$option" boot:-1
		refuses "$command" "option '$option': '99999999s' is not a time $limits seconds" "$option" 99999999s ;;
	size)
		for bad in x 0 -1 4T 4MB; do
			refuses "$command" "option '$option': '$bad' is not a size such as 512K or 4M" "$option" "$bad"
		done
		refuses "$command" "option '$option': '2G' is more than 1G" "$option" 2G ;;
	vm)
		for bad in 0 1. 1.-1 -1 ""; do
			refuses "$command" "option '$option': '$bad' is not a VM: say its name, the PID of its process, or PID.1 for the second VM of that process" "$option" "$bad"
		done ;;
	pid)
		for bad in x 0 -1 1x; do
			refuses "$command" "option '$option': '$bad' is not the ID of a process or thread" "$option" "$bad"
		done ;;
	text)
		refuses "$command" "option '$option': '' is empty" "$option" "" ;;
	class)
		refuses "$command" "option '$option': there is no event class 'x'; there are switch, exit, irq, timer, host, steal, default and all" "$option" exit,x
		refuses "$command" "option '$option': no event class is left of '-all'" "$option" -all ;;
	knob)
		refuses "$command" "option '$option': 'x' is not NAME=VALUE" "$option" x
		refuses "$command" "option '$option': there is no setting 'x'; \`kvmsched policy show\` lists them" "$option" x=1
		refuses "$command" "option '$option': 'x' is not a number from -1 on" "$option" halt_poll_ns=x ;;
	quantile)
		for bad in x 0 -0.5 1.5 " 0.9" +0.9 "0.9 " 0x1p-1 inf nan; do
			refuses "$command" "option '$option': '$bad' is not $limits" "$option" "$bad"
		done ;;
	name)
		refuses "$command" "option '$option': 'x' is not $limits" "$option" x ;;
	esac
	echo "${command%% *} $option" >> covered
done << 'EOF'
number report --vcpu from 0 to 65534
number export --vcpu from 0 to 65534
number compare --vcpu from 0 to 65534
number policy --vcpu from 0 to 65534
number merge --vcpu from 0 to 65534
number report --count from 1 to 10000
number report --spans from 0 to 100000000
number report -n from 1 to 10000
number compare --seed from 0 on
number experiment --seed from 0 on
number experiment --rounds from 1 to 1000000
number experiment --unrecorded from 0 to 1000000
number experiment --vcpus from 1 to 65534
name report --by port, msr, leaf, hypercall, address or vector
time record --duration above 0 and up to 31622400
when export --from from 0 and up to 31622400
when export --to above 0 and up to 31622400
time record --after above 0 and up to 31622400
when report --from from 0 and up to 31622400
when compare --from from 0 and up to 31622400
when report --to above 0 and up to 31622400
when compare --to above 0 and up to 31622400
when merge --from from 0 and up to 31622400
when merge --to above 0 and up to 31622400
time top --delay from 0.01 to 86400
time policy --for above 0 and up to 1000000
time experiment --warmup from 0 and up to 1000000
time experiment --phase from 0 and up to 1000000
time experiment --length above 0 and up to 1000000
size record --memory
size experiment --memory
vm report --vm
vm compare --vm
vm export --vm
vm policy --vm
vm experiment --vm
vm merge --vm
pid record --pid
pid policy --tid
text record --output
text report --input
text report --svg
text report --html
text export --sqlite
text export --csv
text export --perfetto
text compare --baseline
text compare --html
text compare --guest-task
text experiment --output
text experiment --control
class record --events
class experiment --events
knob policy --knob
knob experiment --knob
name report --kind timer, irq, wait or exit
name top --by vcpu or vm
name top --sort vm, guest, exit, user, halted, wait, exits, waits or worst
text merge --output
name experiment --order shuffled or interleaved
name compare --family pair or all
quantile compare --statistic median, mean or a quantile up to 1
EOF

refuses compare "option '--metric': there is no metric 'x'; --help lists them" --metric slice,x
refuses export "option '--kinds': there is no kind 'x'; --help lists them" --kinds exits,x
refuses compare "option '--histogram': there is no metric 'x'; --help lists them" --histogram x
refuses "policy set" "option '--cpus': '3-1' is not a list of CPUs such as 0,2-3" --cpus 3-1
refuses "experiment" "option '--arm': 'x' is not NAME=POLICY or NAME=POLICY@CPUS" --arm x
refuses "experiment" "option '--arm': '3-1' is not a list of CPUs such as 0,2-3" --arm x=rr:1@3-1
refuses record "option '--stop-on': 'x' is no condition such as 'wait>500us', with timer, irq, wait or exit, and ns, us, ms or s" --stop-on x
for bad in x 0 0=x 1= =1 0:1 web1:0; do
	refuses merge "option '--cpu': '$bad' is not CPU=VCPU or VM:CPU=VCPU" --cpu "$bad"
	for command in report export; do
		refuses $command "option '--cpu': '$bad' is not CPU=VCPU or VM:CPU=VCPU" --cpu "$bad"
	done
done
for command in report export; do
	refuses $command "option '--guest': '0=guest.dat' is not VM=FILE: say the VM's name, the PID of its process, or PID.1 for the second VM of that process" \
		--guest 0=guest.dat
done
refuses export "--cpu belongs to --guest" --sqlite x.db --cpu 0=0
refuses merge "which recordings? The host's, and at least one of a guest" host.dat -o folder
refuses merge "option '--output' is missing: which folder gets the result?" host.dat guest.dat
refuses merge "'0=guest.dat' is not VM=FILE: say the VM's name, the PID of its process, or PID.1 for the second VM of that process" \
	host.dat 0=guest.dat -o folder
printf '%s\n' "merge --cpu" "report --cpu" "report --guest" "export --cpu" "export --guest" "export --kinds" "compare --metric" "compare --histogram" "policy --cpus" \
	"experiment --arm" "record --stop-on" >> covered

# A new option with an argument belongs into the table above.
for command in $commands; do
	options_of "$command" | sed -n "s/^\([a-z-]*\)=.*/$command --\1/p"
done | sort > there
ok "a bad value was tried for every option that takes one" \
	silent comm -23 there <(sort -u covered)

# --- operands ---------------------------------------------------------------

refuses info "'x' is one argument too many" x
refuses export "'b' is one argument too many" a b
refuses export "into which file? Say --sqlite FILE.db, --csv FOLDER or --perfetto FILE.pftrace" a
refuses export "which of them? Say --sqlite FILE.db, --csv FOLDER or --perfetto FILE.pftrace" --sqlite a --csv b
refuses export "which of them? Say --sqlite FILE.db, --csv FOLDER or --perfetto FILE.pftrace" --csv a --perfetto b
refuses top "'x' is one argument too many" x
refuses report "'b' is one argument too many" a b
refuses "report worst" "'b' is one argument too many" a b
refuses "policy show" "'x': policies are other, batch, idle, fifo, rr, deadline and ext" x

finish
