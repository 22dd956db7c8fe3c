# SPDX-License-Identifier: GPL-2.0-only
# `make help` lists what there is to make.

MAKEFLAGS += --no-print-directory
TOP := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
O ?= $(TOP)/build
export O
PREFIX ?= /usr/local

# The kernel that the module is built for: a lab kernel by its name, or
# whichever KDIR is prepared to build modules for; by default the running one.
ifdef KERNEL
KDIR := $(O)/kernels/$(KERNEL)/build
endif
KDIR ?= /lib/modules/$(shell uname -r)/build
# Debian's kernel.release lacks the ABI number: this is what uname -r prints.
RELEASE = $(shell sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' '$(KDIR)/include/generated/utsrelease.h')
KBUILD = $(MAKE) -C '$(KDIR)' M='$(O)/module/$(RELEASE)' W=1 $(if $(KERNEL),KCFLAGS=-Werror) $(NO_BTF)
# Type information is welcome, but nothing here needs it.
NO_BTF = $(if $(shell command -v pahole),,CONFIG_DEBUG_INFO_BTF_MODULES=)
# Headers of a distribution ask for signatures, but don't hold the key.
UNSIGNED = $(if $(wildcard $(KDIR)/certs/signing_key.pem),,CONFIG_MODULE_SIG_ALL=)

all: tools modules ## the program, and the module for the running kernel

tools: ## the program kvmsched
	@$(MAKE) -C tools

# Built among links to the sources: one tree serves any number of kernels.
modules: kernel ## the module for the running kernel, or for KERNEL=6.1, or with KDIR=...
	+@dir='$(O)/module/$(RELEASE)'; mkdir -p "$$dir"; exec 9<"$$dir"; flock 9; \
	  cp -rsf '$(TOP)'/module/. "$$dir/" && $(KBUILD) $(if $(V),,-s) modules

# Newer headers may ask for a newer sparse. The kernel's Makefile then goes on without
# it, unless this is set as C would set it; and what sparse says is about the headers.
SPARSE = KBUILD_CHECKSRC=2 CF=-Wsparse-error
sparse: modules ## the same, and sparse over the module's sources
	+@dir='$(O)/sparse/$(RELEASE)'; mkdir -p "$$dir"; exec 9<"$$dir"; flock 9; \
	  echo 'obj-m := headers.o' >"$$dir/Kbuild"; echo '#include <linux/kvm_host.h>' >"$$dir/headers.c"; \
	  $(MAKE) -s -C '$(KDIR)' M="$$dir" $(SPARSE) headers.o >"$$dir/log" 2>&1 || { \
	    echo "sparse $$(sparse --version) can't read the headers of Linux $(RELEASE)," \
	      "so it does not check the module. It says:"; \
	    grep -m2 -w error "$$dir/log" || tail -2 "$$dir/log"; false; } >&2
	+@flock '$(O)/module/$(RELEASE)' $(KBUILD) $(if $(V),,-s) $(SPARSE) modules

kernel:
	@$(if $(KERNEL),tests/lab/kernel $(KERNEL) >/dev/null)
	@test -f '$(KDIR)/include/generated/utsrelease.h' || { \
	  echo 'No headers for the kernel $(shell uname -r) in $(KDIR).'; \
	  echo 'To build the module for it, as root:  apt install linux-headers-$(shell uname -r)'; \
	  echo 'To try kvmsched without:  make demo'; \
	  false; } >&2

guests: ## the tiny guests and their VMM
	@$(MAKE) -s -C tests/guest

install: all ## module, program and man pages; DESTDIR, PREFIX (/usr/local)
	$(KBUILD) $(UNSIGNED) INSTALL_MOD_PATH='$(DESTDIR)' INSTALL_MOD_DIR=updates modules_install
	$(if $(DESTDIR),,depmod '$(RELEASE)')
	$(MAKE) -C tools install DESTDIR='$(DESTDIR)' prefix='$(PREFIX)'

uninstall: kernel ## what install put there
	rm -f '$(DESTDIR)/lib/modules/$(RELEASE)'/updates/kvmsched.ko*
	$(if $(DESTDIR),,depmod '$(RELEASE)')
	rm -f '$(DESTDIR)$(PREFIX)'/bin/kvmsched '$(DESTDIR)$(PREFIX)'/share/man/man[158]/kvmsched*.[158]

deps: ## Debian packages for all of it: installs them (root), or prints the apt line
	@tests/deps demo check

lab: ## a shell on a KVM host in a box; KERNEL=6.1, ARGS= as tests/lab/run --help says
	@tests/deps build lab
	@$(MAKE) tools guests
	@$(MAKE) modules KERNEL=$(or $(KERNEL),6.1)
	@tests/lab/run --kernel $(or $(KERNEL),6.1) $(ARGS)

demo: ## CFS beside SCHED_RR, recorded from real guests in the lab; ARCH=vtx: on Intel
	@tests/demo/demo

check: ## the tests that every change has to pass: all kinds, on all the lab's kernels
check-kernels: ## what make check runs on some kernels only, on the others and on newer ones
check-guests: ## the guests of the tests against ftrace and KVM's own counters; merge, matrix
check-clang: ## clang reads the module's sources, for each kernel of the lab
check-vtx: ## module and program on Intel's VT-x, with one CPU and with two
check-exports: ## exports as Perfetto's own processor, which npm fetches, and KernelShark read them
stress: ## load, record and unload while guests come and go, minutes on each kernel
fuzz: ## damaged recordings under ASan and UBSan, a quarter of an hour
check check-kernels check-guests check-clang check-vtx check-exports stress fuzz:
	@tests/check $@

answers: ## the figures of docs/answers, recorded anew in the lab: as they stand there, and now
	@tests/answers/record

bench: ## what recording costs, beside trace-cmd, perf and BPF, in the lab
	@$(MAKE) -C tests/bench

# Of what is committed; d3 and the version are what a checkout has from elsewhere.
dist: ## kvmsched-VERSION.tar.gz in build/: the sources, with d3, for machines without git
	@tests/dist '$(O)'

clean: ## what was built; kernels and packages that were fetched stay in build/kernels
	@find '$(O)' -mindepth 1 -maxdepth 1 ! -name kernels -exec rm -rf {} +

distclean: ## all of build/
	rm -rf '$(O)'

help: ## this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

.PHONY: all tools modules sparse kernel guests install uninstall deps lab demo answers bench dist clean distclean help \
	check check-kernels check-guests check-clang check-vtx check-exports stress fuzz
