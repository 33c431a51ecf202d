# SPDX-License-Identifier: GPL-2.0
# How C is compiled here: read by the Makefile of each room, after it has set
#   ROOM   its name, for messages
#   DIRS   the other rooms that it includes headers from
# and by whoever calls make:
#   O=DIR        where to build (build/ in the room itself)
#   ARCH=ARCH    x86_64 or arm64 (this machine's)
#   HEADERS=DIR  kernel headers, as "make headers_install" leaves them in include/
#                (/usr/include; if it has no iommufd.h, those of this repository)
#   TREE=DIR     a kernel tree with the series, for what needs its test uapi

SRC := $(CURDIR)
ARCH ?= $(shell uname -m | sed 's/aarch64/arm64/')
O ?= $(SRC)/build
EXPORT := $(dir $(realpath $(lastword $(MAKEFILE_LIST))))../../kernel/headers
ifeq ($(HEADERS),)
HEADERS := $(if $(wildcard /usr/include/linux/iommufd.h)$(if $(wildcard $(EXPORT)),,alone),/usr/include,$(shell $(EXPORT) $(ARCH)))
endif
TRIPLE_arm64 := aarch64-linux-gnu
TRIPLE_x86_64 := x86_64-linux-gnu
TRIPLE := $(TRIPLE_$(ARCH))
CLANG ?= clang

CFLAGS ?= -O2 -g
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -Wshadow \
	-Wstrict-prototypes -fmacro-prefix-map=$(SRC)/=$(ROOM)/ \
	$(DIRS:%=-I$(SRC)/%) -isystem $(HEADERS) $(EXTRA_CFLAGS) \
	$(if $(TREE),-iquote $(TREE)/drivers/iommu/iommufd)

ifeq ($(TRIPLE),)
$(error ARCH=$(ARCH) is unknown here; use ARCH=arm64 or ARCH=x86_64)
endif
ifeq ($(filter clean,$(MAKECMDGOALS))$(wildcard $(HEADERS)/linux/iommufd.h),)
$(error no linux/iommufd.h in HEADERS=$(HEADERS): name kernel headers of 6.6 or later, as "make headers_install" makes them)
endif

all:

# Objects of another clone go: what they depend on may be gone.
OBJ := $(O)/obj/$(notdir $(SRC))
ifneq ($(shell cat $(OBJ)/source 2>/dev/null),$(SRC))
$(shell rm -rf $(OBJ))
endif
$(OBJ):
	mkdir -p $@
	echo $(SRC) > $@/source

vpath %.c $(SRC) $(DIRS:%=$(SRC)/%)
$(OBJ)/%.o: %.c $(SRC)/Makefile $(lastword $(MAKEFILE_LIST)) | $(OBJ)
	$(TRIPLE)-gcc $(ALL_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
-include $(wildcard $(OBJ)/*.d)

# $(call program,NAME,OBJECTS,LIBRARY): O/NAME, static
define program
$(O)/$(1): $(2:%=$(OBJ)/%.o) $(3)
	$(TRIPLE)-gcc $(CFLAGS) -static -o $$@ $$^
endef

# Every source of the room through both compilers for both architectures
LINT = $(wildcard $(SRC)/*.c)
lint:
	for triple in $(TRIPLE_arm64) $(TRIPLE_x86_64); do \
		for c in $(LINT); do \
			$$triple-gcc $(ALL_CFLAGS) -O2 -c -o /dev/null $$c && \
			$(CLANG) --target=$$triple $(ALL_CFLAGS) -fsyntax-only $$c || \
				exit 1; \
		done; \
	done
	if command -v cppcheck >/dev/null; then \
		cppcheck --quiet --error-exitcode=1 --inline-suppr \
			--enable=warning,portability $(SRC); \
	fi

.PHONY: all check lint clean FORCE
.DELETE_ON_ERROR:
