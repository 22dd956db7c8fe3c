# SPDX-License-Identifier: GPL-2.0-only
# What the program and its unit tests are compiled and linked with. Set before
# it is included: TOP; GROUP, the group of tests/packages that is needed; and
# PKGS, libraries beside those of the program.

MAKEFLAGS += --no-builtin-rules
O ?= $(TOP)/build

PKGS := libtraceevent libtracefs libtracecmd smartcols jansson gsl yaml-0.1 sqlite3 zlib libprotobuf-c $(PKGS)
PKG_CONFIG ?= pkg-config

# Who reads the name of a missing library wants to know what to install.
ifeq ($(filter clean,$(MAKECMDGOALS)),)
ifneq ($(shell $(PKG_CONFIG) --exists $(PKGS) && echo yes),yes)
$(info $(shell $(PKG_CONFIG) --print-errors --exists $(PKGS) 2>&1))
$(error libraries are missing. $(shell $(TOP)/tests/deps --tell $(GROUP) 2>&1))
endif
endif

# Pages for browsers hold it: d3 version 5, in one file. D3=FILE names another place;
# what `make dist` packs carries it.
D3 ?= $(firstword $(wildcard $(TOP)/tools/picture/d3.min.js) /usr/share/nodejs/d3/dist/d3.min.js)
ifeq ($(filter clean,$(MAKECMDGOALS)),)
ifeq ($(wildcard $(D3)),)
$(error $(D3) is missing: d3 version 5; D3=FILE says where it is. $(shell $(TOP)/tests/deps --tell $(GROUP) 2>&1))
endif
endif

# Perfetto's messages: protoc-c makes this .c and .h of export/perfetto.proto.
PROTOC_C ?= protoc-c
PROTO := $(O)/tools/export/perfetto.pb-c
ifeq ($(filter clean,$(MAKECMDGOALS)),)
ifeq ($(shell command -v $(PROTOC_C)),)
$(error $(PROTOC_C) is missing: the compiler of protobuf-c. $(shell $(TOP)/tests/deps --tell $(GROUP) 2>&1))
endif
endif

CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	    -Wpointer-arith -Wwrite-strings -Wvla -Wno-unused-parameter
# GCC clears structs of some hundred bytes, as spans are, by an instruction that takes longer
# to begin than to clear them. The C library has what is fast on this CPU.
MEMSET := -mmemset-strategy=libcall:-1:noalign
MEMSET := $(shell $(CC) $(MEMSET) -E -x c /dev/null > /dev/null 2>&1 && echo '$(MEMSET)')
override CFLAGS += $(MEMSET) -std=gnu11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 $(WARNINGS) \
	    -I$(TOP)/tools -I$(O)/tools -I$(TOP)/module -DKVS_D3='"$(abspath $(D3))"' \
	    -DKVS_PICTURE='"$(TOP)/tools/picture"' $(shell $(PKG_CONFIG) --cflags $(PKGS))
LDLIBS += $(shell $(PKG_CONFIG) --libs $(PKGS)) -lm
