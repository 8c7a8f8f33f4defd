# One Makefile, not recursive. Each variant has a build folder of its own:
#	make BUILD=build/clang CC=clang unit
#
#	all	the programs			unit		every unit test
#	asan	unit under ASan and UBSan	unit-FOLDER	those of one folder
#	layers	who may include whom		vectors		rewrite tests/vectors
#	install	DESTDIR=, PREFIX=		clean		this build folder
#	second	the formats by another implementation (needs node and npm)
#	demo	the main job, end to end; IMAGE=, PROMPT= for your own
#	test	set-up, unit and system tests	system	the system tests
#	check	faults, crashes, liars, sanitizers, constant time	check-long	all of it, for hours
#	bench	how fast it is; bench-quick in three minutes; BENCH= names some: bench/README.md
#	costs	what is done for a seal, a batch, a release, counted: docs/costs.md
#	fuzz	search each parser for T seconds: tests/fuzz/README.md

BUILD	?= build/dev
PREFIX	?= /usr/local
CC	?= cc
PKG_CONFIG ?= pkg-config
MODE	?= -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
WARN	= -Wall -Wextra -Werror -Wshadow -Wconversion -Wstrict-prototypes \
	  -Wmissing-prototypes -Wswitch-enum -Wvla -Wformat=2 -Wundef
ASAN	= -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all

# It comes without a file for pkg-config.
DECAF	?= /usr/include/decaf

.DEFAULT_GOAL = all

# What pkg-config says is asked once for a build folder: for grpc alone it thinks for half a second. It is as old as
# this file, so that a clock that was set back makes no circle; scripts/setup has it asked again.
-include $(BUILD)/packages.mk
CORE_PC	= libsodium libcrypto jansson libdeflate
ALL_PC	= $(CORE_PC) libssl sqlite3 grpc libprotobuf-c p11-kit-1 libcurl libmicrohttpd libseccomp
$(BUILD)/packages.mk: Makefile
	@mkdir -p $(@D)
	@set -e; i=$$($(PKG_CONFIG) --cflags-only-I $(ALL_PC)); core=$$($(PKG_CONFIG) --libs $(CORE_PC)); \
	all=$$($(PKG_CONFIG) --libs $(ALL_PC)); cmocka=$$($(PKG_CONFIG) --libs cmocka) || cmocka=; \
	printf '%s\n' "PC_I := $$i" "PC_CORE := $$core" "PC_ALL := $$all" "CMOCKA := $$cmocka" >$@.$$$$; touch -r $< $@.$$$$; mv $@.$$$$ $@

# Headers of others are system headers: their warnings are not ours to mend.
SYSTEM	:= $(patsubst -I%,-isystem %,$(PC_I)) -isystem $(DECAF)
CPPFLAGS_ALL = -D_GNU_SOURCE -I. -isystem $(BUILD)/gen $(SYSTEM) $(CPPFLAGS)
CFLAGS_ALL = -std=c11 $(MODE) $(CFLAGS)
LINK	= $(CC) $(MODE) $(LDFLAGS) -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed

# One short line a step; V=1 shows the commands.
Q	= $(if $(V),,@)
say	= $(if $(V),,@printf '  %-4s %s\n' '$(1)' '$(patsubst $(BUILD)/%,%,$@)')

.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:

all: programs

# ---- what is built from what ------------------------------------------------

CORE	= base shamir audit policy evidence
ADAPTER	= store hsm proto edge
EDGE	= custodian coordinator cli
FOLDERS	= $(CORE) $(ADAPTER) $(EDGE)

# A folder is named for its library; only the log's store stands inside another.
at_store = audit/store
where	= $(or $(at_$(1)),$(1))
src	= $(filter-out %/main.c,$(wildcard $(call where,$(1))/*.c))
obj	= $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

PROTO	= $(wildcard proto/*.proto)
PB_C	= $(PROTO:%.proto=$(BUILD)/gen/%.pb-c.c)
PB_H	= $(PB_C:.c=.h)
PB_O	= $(PB_C:.c=.o)

objs	= $(call obj,$(call src,$(1))) $(if $(filter proto,$(1)),$(PB_O))
lib	= $(if $(strip $(call objs,$(1))),$(BUILD)/lib$(1).a)
CORE_LIBS = $(foreach f,$(CORE),$(call lib,$(f)))
ALL_LIBS = $(foreach f,$(FOLDERS),$(call lib,$(f)))

CORE_LD	= $(PC_CORE) -ldecaf
ALL_LD	= $(PC_ALL) -ldecaf -lpthread
# Libraries refer to each other in both directions only by mistake, but the
# order of a list should not be what finds out: scripts/check-layers does.
group	= -Wl,--start-group $(1) -Wl,--end-group

define library
$(BUILD)/lib$(1).a: $(call objs,$(1))
	$$(call say,AR)
	@rm -f $$@
	$(Q)$(AR) rcsD $$@ $$^
endef
$(foreach f,$(FOLDERS),$(eval $(call library,$(f))))

$(BUILD)/obj/%.o: %.c
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -fPIE $(WARN) -MMD -MP -c -o $@ $<

# ---- generated code: built, never committed ---------------------------------

$(BUILD)/gen/%.pb-c.c $(BUILD)/gen/%.pb-c.h &: %.proto
	$(call say,GEN)
	@mkdir -p $(@D)
	$(Q)protoc-c --c_out=$(BUILD)/gen $<

$(BUILD)/gen/%.pb-c.o: $(BUILD)/gen/%.pb-c.c
	$(call say,CC)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -fPIE -c -o $@ $<

# Whoever may include the generated header waits until it is there.
$(foreach f,proto $(EDGE),$(call obj,$(wildcard $(f)/*.c tests/unit/$(f)/*.c))): | $(PB_H)

# ---- programs -----------------------------------------------------------------

main_custodiand = custodian/main.c
main_coordinatord = coordinator/main.c
main_quorate = cli/main.c
PROGRAMS = $(foreach p,custodiand coordinatord quorate,\
	   $(if $(wildcard $(main_$(p))),$(BUILD)/bin/$(p)))

define program
$(BUILD)/bin/$(1): $(call obj,$(main_$(1))) $(ALL_LIBS)
	$$(call say,LD)
	@mkdir -p $$(@D)
	$(Q)$(LINK) -o $$@ $(call obj,$(main_$(1))) $(call group,$(ALL_LIBS)) $(ALL_LD)
endef
$(foreach p,custodiand coordinatord quorate,$(eval $(call program,$(p))))

programs: $(ALL_LIBS) $(PROGRAMS)

# ---- fuzzing --------------------------------------------------------------------
# tests/fuzz/NAME.c is one target. `unit` runs each over its corpus; `make fuzz T=60
# FUZZ="note zip"` searches with libFuzzer, under the sanitizers, in a folder of its own.

FUZZ	?= $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c))
T	?= 60
FUZZ_PLAIN = $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/*.c))
FUZZ_O	= $(call obj,$(wildcard tests/fuzz/lib/*.c))
FUZZ_LIBS = $(ALL_LIBS) $(BUILD)/libfixture.a
FUZZ_MODE = -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
$(call obj,$(wildcard tests/fuzz/*.c)): | $(PB_H)

# What a daemon would write in its log says nothing here.
FUZZ_LINK = -Wl,--wrap=log_line,--wrap=log_err

# What drives a custodian, or a coordinator.
$(BUILD)/fuzz/keeper $(BUILD)/search/keeper: $(call obj,$(addprefix tests/unit/custodian/,bench.c hand.c))
$(BUILD)/fuzz/handlers $(BUILD)/search/handlers: $(call obj,tests/unit/coordinator/rig.c)
$(BUILD)/fuzz/handlers $(BUILD)/search/handlers: FUZZ_LINK += -Wl,--wrap=replicators_wait,--wrap=replicators_status,--wrap=replicators_unready
$(BUILD)/fuzz/replies $(BUILD)/search/replies: FUZZ_LINK += -Wl,--wrap=rpc_client_new,--wrap=rpc_client_free,--wrap=rpc_call_said

# What needs a package to change.
FUZZ_WORLD = $(patsubst %,$(BUILD)/fuzz/%,$(FUZZ_OF_WORLD)) $(patsubst %,$(BUILD)/search/%,$(FUZZ_OF_WORLD))
FUZZ_OF_WORLD = package signature worker replies
$(FUZZ_WORLD): $(call obj,$(addprefix tests/unit/evidence/,world.c world_anchor.c memfile.c repack.c) tests/unit/tsa.c)

$(BUILD)/fuzz/%: $(BUILD)/obj/tests/fuzz/%.o $(BUILD)/obj/tests/fuzz/plain/driver.o $(FUZZ_O) $(FUZZ_LIBS)
	$(call say,LD)
	@mkdir -p $(@D)
	$(Q)$(LINK) $(FUZZ_LINK) -o $@ $(filter %.o,$^) $(call group,$(FUZZ_LIBS)) $(ALL_LD) $(CMOCKA)

$(BUILD)/search/%: $(BUILD)/obj/tests/fuzz/%.o $(FUZZ_O) $(FUZZ_LIBS)
	$(call say,LD)
	@mkdir -p $(@D)
	$(Q)$(LINK) $(FUZZ_LINK) -fsanitize=fuzzer -o $@ $(filter %.o,$^) $(call group,$(FUZZ_LIBS)) $(ALL_LD) $(CMOCKA)

unit-fuzz: $(FUZZ_PLAIN)
	@scripts/unit-run $^

fuzz:
	@$(MAKE) --no-print-directory BUILD=build/fuzz CC=clang MODE="$(FUZZ_MODE)" $(FUZZ:%=build/fuzz/search/%)
	@T=$(T) scripts/fuzz build/fuzz $(FUZZ)

$(BUILD)/fuzz/make/seeds: $(call obj,$(wildcard tests/fuzz/make/*.c)) $(FUZZ_O) $(FUZZ_LIBS)
	@mkdir -p $(@D)
	$(Q)$(LINK) $(FUZZ_LINK) -o $@ $(filter %.o,$^) $(call group,$(FUZZ_LIBS)) $(ALL_LD)
seeds: $(BUILD)/fuzz/make/seeds
	$< tests/fuzz/corpus tests/vectors
	tests/fuzz/make/timestamp.sh tests/fuzz/corpus/timestamp/query tests/fuzz/corpus/timestamp
.PHONY: unit-fuzz fuzz seeds

# ---- unit tests ---------------------------------------------------------------
# tests/unit/FOLDER/test_*.c are programs; what else stands there is linked into
# each of them, as is tests/unit/*.c. A folder's tests link the folders that it
# may include and nothing else, so that one that reaches further does not link.

needs_base = base
needs_shamir = base shamir
needs_audit = base audit
needs_policy = base shamir audit policy
needs_evidence = $(CORE)
needs_store = base shamir audit policy store
# Its recipients open messages, and sign that they did.
needs_hsm = $(CORE) hsm
needs_proto = base proto
needs_edge = $(CORE) hsm edge
needs_custodian = $(CORE) $(ADAPTER) custodian
needs_coordinator = $(CORE) $(ADAPTER) coordinator
needs_cli = $(FOLDERS)
libs_of	= $(foreach f,$(needs_$(1)),$(call lib,$(f)))$(if $(filter policy,$(needs_$(1))), $(BUILD)/libfixture.a)

# A network of its own making, for the tests of policy and of what builds on it.
FIXTURE_O = $(call obj,$(wildcard tests/fixture/*.c))
$(BUILD)/libfixture.a: $(FIXTURE_O)
	$(call say,AR)
	@rm -f $@
	$(Q)$(AR) rcsD $@ $^

WRAP	= -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=secret_new,--wrap=crypto_sign_verify_detached
UNIT_O	= $(call obj,$(wildcard tests/unit/*.c))

tests	= $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/$(1)/test_*.c))
beside	= $(call obj,$(filter-out tests/unit/$(1)/test_%,$(wildcard tests/unit/$(1)/*.c)) $(beside_$(1)))
# Packages to open, and to be shown.
beside_cli = $(filter-out tests/unit/evidence/test_%,$(wildcard tests/unit/evidence/*.c))
UNIT	= $(foreach f,$(FOLDERS),$(call tests,$(f)))

define unit_tests
$(BUILD)/tests/$(1)/%: $(BUILD)/obj/tests/unit/$(1)/%.o $(call beside,$(1)) $(UNIT_O) $(2)
	$$(call say,LD)
	@mkdir -p $$(@D)
	$(Q)$(LINK) $(WRAP) -o $$@ $$(filter %.o,$$^) $(call group,$(2)) $(3) $(CMOCKA)
unit-$(1): $(call tests,$(1))
	@scripts/unit-run $$^
.PHONY: unit-$(1)
endef
$(foreach t,$(CORE),$(eval $(call unit_tests,$(t),$(call libs_of,$(t)),$(CORE_LD))))
$(foreach t,$(ADAPTER) $(EDGE),$(eval $(call unit_tests,$(t),$(call libs_of,$(t)),$(ALL_LD))))

unit: $(UNIT) $(FUZZ_PLAIN)
	@scripts/unit-run $(UNIT) $(FUZZ_PLAIN)

# MODE is passed on: the sanitizers take the place of the hardening flags.
# Of the seeds of the hostile listener a few: each frame is slow there.
asan:
	SEEDS=200 $(MAKE) BUILD=build/asan MODE="$(ASAN)" unit

layers:
	scripts/check-layers

# ---- vectors: written by tests/gen/*.c, read by every implementation ------------
# tests/gen/NAME.c writes the vectors of one spec, of the folders that gen_NAME
# lists; vectors-NAME runs that one. Run again, they write the same bytes.

GEN	= $(patsubst tests/gen/%.c,%,$(wildcard tests/gen/*.c))
GEN_O	= $(call obj,$(wildcard tests/gen/lib/*.c))

gen_share = base shamir
gen_log = base audit
gen_accusation = base audit
gen_sealed = base shamir

define generator
$(BUILD)/tests/gen/$(1): $(BUILD)/obj/tests/gen/$(1).o $(GEN_O) $(2)
	$$(call say,LD)
	@mkdir -p $$(@D)
	$(Q)$(LINK) -o $$@ $$(filter %.o,$$^) $(call group,$(2)) $(CORE_LD)
vectors-$(1): $(BUILD)/tests/gen/$(1)
	$$< tests/vectors
.PHONY: vectors-$(1)
endef
libs_in	= $(foreach f,$(1),$(call lib,$(f)))
$(foreach g,$(GEN),$(eval $(call generator,$(g),$(call libs_in,$(or $(gen_$(g)),$(CORE))))))

vectors: $(GEN:%=vectors-%)

# The unit tests that read vectors read those of the second implementation too.
SECOND	= $(patsubst %,$(BUILD)/tests/%,shamir/test_vectors audit/test_vectors policy/test_vectors \
	  evidence/test_sealing_vectors evidence/test_zip)

OURS	= $(BUILD)/tests/second/ours
OURS_LIB = $(CORE_LIBS) $(BUILD)/libfixture.a
$(OURS): $(call obj,$(wildcard tests/second/*.c)) $(GEN_O) $(call obj,tests/unit/own.c) $(OURS_LIB)
	$(call say,LD)
	@mkdir -p $(@D)
	$(Q)$(LINK) -o $@ $(filter %.o,$^) $(call group,$(OURS_LIB)) $(CORE_LD)

second: $(OURS) $(SECOND)
	@tests/second/run $(BUILD) $(SECOND)

# ---- for people: set-up included ---------------------------------------------------
# The packages come first, and a new make then, since this one looked for them in vain.

demo:
	@scripts/setup
	@$(MAKE) --no-print-directory -s all
	@IMAGE='$(IMAGE)' PROMPT='$(PROMPT)' scripts/demo

test:
	@scripts/setup
	@$(MAKE) --no-print-directory layers all
	@scripts/test-all

# Programs that the system tests use against real daemons.
SYSTEM_TOOLS = $(patsubst tests/system/%.c,$(BUILD)/tests/system/%,$(wildcard tests/system/*.c)) $(BUILD)/bench/tool/report
$(foreach t,$(wildcard tests/system/*.c),$(call obj,$(t))): | $(PB_H)

$(BUILD)/tests/system/%: $(BUILD)/obj/tests/system/%.o $(ALL_LIBS)
	$(call say,LD)
	@mkdir -p $(@D)
	$(Q)$(LINK) -o $@ $< $(call group,$(ALL_LIBS)) $(ALL_LD)

# Parties that lie to real ones (tests/liars/README.md): a coordinator, a custodian, a sealer, a clock.
LIARS	= $(BUILD)/tests/liars/coordinator $(BUILD)/tests/liars/bin/custodiand $(BUILD)/tests/liars/bin/quorate \
	  $(BUILD)/tests/liars/clock.so
LIAR_O	= $(call obj,$(wildcard tests/liars/*.c) tests/unit/custodian/lsan.c)
LIAR_CUSTODIAN_O = $(call obj,tests/liars/wrap/custodian.c $(main_custodiand))
LIAR_WRAP = keeper_main shamir_contribute cms_seal custody_sign custody_contribute custody_append \
	    custody_exchange replica_state_digest
$(LIAR_O) $(LIAR_CUSTODIAN_O): | $(PB_H)
$(BUILD)/tests/liars/coordinator: $(LIAR_O) $(ALL_LIBS) $(BUILD)/libfixture.a
	$(call say,LD)
	@mkdir -p $(@D)
	$(Q)$(LINK) -o $@ $(LIAR_O) $(call group,$(ALL_LIBS) $(BUILD)/libfixture.a) $(ALL_LD)

$(BUILD)/tests/liars/bin/custodiand: $(LIAR_CUSTODIAN_O) $(ALL_LIBS)
	$(call say,LD)
	@mkdir -p $(@D)
	$(Q)$(LINK) $(LIAR_WRAP:%=-Wl,--wrap=%) -o $@ $(LIAR_CUSTODIAN_O) $(call group,$(ALL_LIBS)) $(ALL_LD)

LIAR_SEALER_O = $(call obj,tests/liars/wrap/quorate.c $(main_quorate))
SEALER_WRAP = sealed_key_encapsulate sealed_share_seal opening_verify_own
$(LIAR_SEALER_O): | $(PB_H)
$(BUILD)/tests/liars/bin/quorate: $(LIAR_SEALER_O) $(ALL_LIBS)
	$(call say,LD)
	@mkdir -p $(@D)
	$(Q)$(LINK) $(SEALER_WRAP:%=-Wl,--wrap=%) -o $@ $(LIAR_SEALER_O) $(call group,$(ALL_LIBS)) $(ALL_LD)

# Loaded before the C library: no sanitizer in it, whatever the rest is built with.
$(BUILD)/tests/liars/clock.so: tests/liars/shim/clock.c
	$(call say,LD)
	@mkdir -p $(@D)
	$(Q)$(CC) -D_GNU_SOURCE -std=c11 -O1 -fPIC -shared $(WARN) -o $@ $<

liars: $(LIARS)

# ---- what is done to it -----------------------------------------------------------------
# Calls that fail, and processes that die, at the nth step (tests/inject/inject.h). Without
# sanitizers, whatever the rest is built with: it stands before the C library.

INJECT	= $(BUILD)/tests/inject/inject $(BUILD)/tests/inject/inject.so
INJECT_CC = $(CC) -D_GNU_SOURCE -I. -std=c11 -O1 -g $(WARN)
$(BUILD)/tests/inject/inject.so: tests/inject/preload.c tests/inject/plan.c tests/inject/inject.h
	$(call say,LD)
	@mkdir -p $(@D)
	$(Q)$(INJECT_CC) -fPIC -shared -o $@ $(filter %.c,$^)
$(BUILD)/tests/inject/inject: tests/inject/inject.c tests/inject/plan.c tests/inject/inject.h
	$(call say,LD)
	@mkdir -p $(@D)
	$(Q)$(INJECT_CC) -o $@ $(filter %.c,$^)

# ---- faults: tests/faults/README.md

# The same before a PKCS#11 module.
INJECT	+= $(BUILD)/tests/inject/inject_token.so
$(BUILD)/tests/inject/inject_token.so: tests/inject/token.c tests/inject/plan.c tests/inject/inject.h
	$(call say,LD)
	@mkdir -p $(@D)
	$(Q)$(INJECT_CC) $(SYSTEM) -fPIC -shared -o $@ $(filter %.c,$^)

faults: all $(INJECT) $(SYSTEM_TOOLS)
	@QUORATE_BIN=$(abspath $(BUILD))/bin tests/faults/run
.PHONY: faults

# ---- costs: what is done for a seal, a batch, a release, counted (tests/costs/README.md)

COSTS	= $(addprefix $(BUILD)/tests/costs/,costs costs.so more.so)
$(BUILD)/tests/costs/costs.so: $(addprefix tests/costs/,count.c count_keys.c count_rpc.c count_token.c slow.c map.c count.h costs.h)
	$(call say,LD)
	@mkdir -p $(@D)
	$(Q)$(INJECT_CC) $(SYSTEM) -Wno-deprecated-declarations -fPIC -shared -o $@ $(filter %.c,$^) -lcrypto
$(BUILD)/tests/costs/costs: tests/costs/costs.c tests/costs/map.c tests/costs/costs.h
	$(call say,LD)
	@mkdir -p $(@D)
	$(Q)$(INJECT_CC) -o $@ $(filter %.c,$^)

$(BUILD)/tests/costs/more.so: $(addprefix tests/costs/,more.c map.c count.h costs.h)
	$(call say,LD)
	@mkdir -p $(@D)
	$(Q)$(INJECT_CC) -fPIC -shared -o $@ $(filter %.c,$^)

costs: all $(COSTS)
	@tests/costs/run $(abspath $(BUILD))
costs-bite: all $(COSTS)
	@tests/costs/bites $(abspath $(BUILD))
.PHONY: costs costs-bite

# ---- crashes: tests/crashes/README.md

CRASHES	= $(BUILD)/tests/crashes/look $(INJECT) $(BUILD)/tests/liars/clock.so
$(call obj,tests/crashes/look.c): | $(PB_H)
$(BUILD)/tests/crashes/%: $(BUILD)/obj/tests/crashes/%.o $(ALL_LIBS)
	$(call say,LD)
	@mkdir -p $(@D)
	$(Q)$(LINK) -o $@ $< $(call group,$(ALL_LIBS)) $(ALL_LD)

SEED	?=
crashes: all $(CRASHES)
	@QUORATE_BIN=$(abspath $(BUILD))/bin ROUNDS=$(or $(ROUNDS),200) SEED=$(SEED) tests/crashes/run
CASES	?= 12
pages: all $(CRASHES)
	@QUORATE_BIN=$(abspath $(BUILD))/bin CASES=$(CASES) SEED=$(SEED) tests/crashes/pages
outages: all $(CRASHES)
	@QUORATE_BIN=$(abspath $(BUILD))/bin tests/crashes/outages

.PHONY: crashes pages outages

# ---- schedules of liars, and the model: tests/schedules/README.md, tests/model/README.md
# The software token stands before hsm/ and takes the place of its functions.

SCHEDULES_O = $(call obj,$(wildcard tests/schedules/*.c tests/fixture/keys.c))
SCHEDULES_LIBS = $(foreach f,$(CORE) $(ADAPTER) custodian,$(call lib,$(f)))
SCHEDULES_WRAP = clock_now clock_ms log_line log_err
SEEDS	?= 400
$(SCHEDULES_O): | $(PB_H)
-include $(SCHEDULES_O:.o=.d)
$(BUILD)/tests/schedules/test_schedules: $(SCHEDULES_O) $(SCHEDULES_LIBS)
	$(call say,LD)
	@mkdir -p $(@D)
	$(Q)$(LINK) -Wl,-z,muldefs $(SCHEDULES_WRAP:%=-Wl,--wrap=%) -o $@ $(SCHEDULES_O) $(call group,$(SCHEDULES_LIBS)) $(ALL_LD)

schedules: $(BUILD)/tests/schedules/test_schedules
	@SEEDS=$(SEEDS) SEED=$(SEED) $<

model:
	@CC="$(CC)" tests/model/run $(abspath $(BUILD))/model
.PHONY: schedules model

# ---- abuse of the network face: tests/abuse/README.md

abuse: all
	@ABUSE_SECONDS=$(or $(SECONDS),30) ABUSE_WIDTH=$(or $(WIDTH),50) ABUSE_CROWD=$(or $(CROWD),8000) ABUSE_ROUNDS=$(or $(ROUNDS),2) \
	    QUORATE_BIN=$(abspath $(BUILD))/bin tests/system/96-abuse.sh

# ---- constant time, threads, memory, coverage

# Secrets marked as undefined, in valgrind (tests/ct/README.md); with the product's own flags.
CT_MODE	= $(MODE) -gdwarf-4 -DQUORATE_CT
CT_BUILD = build/ct-$(notdir $(lastword $(CC)))
CT_O	= $(call obj,$(wildcard tests/ct/*.c) policy/cert.c policy/descriptor.c \
	  $(addprefix evidence/,segment.c keys.c cms.c cms_open.c cms_shape.c))
CT_LIBS	= $(call libs_in,base shamir audit)
CT_WRAP	= crypto_scalarmult_ristretto255 crypto_scalarmult_ristretto255_base crypto_core_ristretto255_add \
	  crypto_core_ristretto255_is_valid_point
$(BUILD)/tests/ct/ct: $(CT_O) $(CT_LIBS)
	$(call say,LD)
	@mkdir -p $(@D)
	$(Q)$(LINK) $(CT_WRAP:%=-Wl,--wrap=%) -o $@ $(CT_O) $(call group,$(CT_LIBS)) $(CORE_LD)
ct:
	@$(MAKE) --no-print-directory BUILD=$(CT_BUILD) MODE="$(CT_MODE)" $(CT_BUILD)/tests/ct/ct
	@tests/ct/run $(CT_BUILD)/tests/ct/ct $(CT)
.PHONY: ct

# The CLI under valgrind memcheck; MEMCHECK=all: every command (tests/memcheck/README.md).
MEMCHECK ?= few
# As it is: an optimizer sees through a flaw and takes it out.
$(BUILD)/tests/memcheck/flaw: tests/memcheck/flaw.c
	$(call say,LD)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=c11 -O0 -g -w -o $@ $<
memcheck: all $(BUILD)/tests/memcheck/flaw
	@QUORATE_BIN=$(abspath $(BUILD))/bin tests/memcheck/run $(MEMCHECK)
.PHONY: memcheck

# Which lines the tests run, by gcc and gcov (tests/coverage/README.md): those of the core by their folders'
# tests, or with COVERAGE=all by every unit test and corpus.
COVERAGE ?= core
COVERAGE_BUILD = build/coverage
# What is not optimized looks as if it might write too much.
COVERAGE_MODE = -O0 -g --coverage -Wno-format-truncation
COVERAGE_UNIT = $(if $(filter all,$(COVERAGE)),$(UNIT) $(FUZZ_PLAIN),$(foreach f,$(CORE),$(call tests,$(f))))
coverage:
	@$(MAKE) --no-print-directory BUILD=$(COVERAGE_BUILD) MODE="$(COVERAGE_MODE)" $(COVERAGE_UNIT:$(BUILD)/%=$(COVERAGE_BUILD)/%)
	@tests/coverage/run $(COVERAGE_BUILD) $(COVERAGE)
.PHONY: coverage

# ThreadSanitizer over what has threads, and the sanitized daemons: tests/sanitize/README.md.
TSAN	= -O1 -g -fno-omit-frame-pointer -fsanitize=thread
TSAN_BUILD = build/tsan
TSAN_CC	?= clang
TSAN_A	= $(TSAN_BUILD)/tests/sanitize/tsan.a
TSAN_WRAP = -Wl,--wrap=grpc_call_start_batch,--wrap=grpc_server_request_call,--wrap=grpc_completion_queue_next,--wrap=grpc_completion_queue_pluck
TSAN_MAKE = $(MAKE) --no-print-directory BUILD=$(TSAN_BUILD) CC="$(TSAN_CC)" MODE="$(TSAN)"
UNCONFINED = -Wl,--wrap=confine_files,--wrap=confine_calls
TSAN_LINK = LINKED=$(TSAN_A) LDFLAGS="$(call whole,$(TSAN_A)) $(TSAN_WRAP) $(UNCONFINED)"
# Those that start threads; the rest has none to confuse.
TSAN_UNIT = $(patsubst %,$(TSAN_BUILD)/tests/%,proto/test_rpc proto/test_tls edge/test_http \
	    $(addprefix coordinator/test_,ahead anchor cosigning dating gather replicator reply sequencer tiles_http uploads) \
	    custodian/test_frame custodian/test_limit cli/test_custodians cli/test_replay cli/test_trust \
	    hsm/test_recovery)
TSAN_SYSTEM ?= tests/system/10-main-job.sh tests/system/46-crowd.sh

$(BUILD)/tests/sanitize/sees: $(BUILD)/obj/tests/sanitize/sees.o
	$(call say,LD)
	@mkdir -p $(@D)
	$(Q)$(LINK) -o $@ $< $(ALL_LD)

# What is linked into every program, and makes each anew when it changes.
whole	= -Wl,--whole-archive $(1) -Wl,--no-whole-archive
$(BUILD)/tests/sanitize/%.a: $(BUILD)/obj/tests/sanitize/%.o $(BUILD)/obj/tests/sanitize/unconfined.o
	$(call say,AR)
	@mkdir -p $(@D)
	$(Q)$(AR) rcsD $@ $^
$(PROGRAMS) $(UNIT) $(SYSTEM_TOOLS) $(filter-out %.so,$(LIARS)) $(BUILD)/tests/sanitize/sees: $(LINKED)

tsan:
	+@$(TSAN_MAKE) $(TSAN_LINK) $(TSAN_UNIT) $(TSAN_BUILD)/tests/sanitize/sees
	@tests/sanitize/run thread $(TSAN_BUILD) unit $(TSAN_UNIT)
tsan-system:
	+@$(TSAN_MAKE) $(TSAN_LINK) all $(SYSTEM_TOOLS:$(BUILD)/%=$(TSAN_BUILD)/%) $(TSAN_BUILD)/tests/sanitize/sees
	@tests/sanitize/run thread $(TSAN_BUILD) system $(TSAN_SYSTEM)

ASAN_BUILD = build/asan
ASAN_A	= $(ASAN_BUILD)/tests/sanitize/asan.a
ASAN_MAKE = $(MAKE) --no-print-directory BUILD=$(ASAN_BUILD) MODE="$(ASAN)"
ASAN_LINK = LINKED=$(ASAN_A) LDFLAGS="$(call whole,$(ASAN_A)) -Wl,--wrap=_exit $(UNCONFINED)"
ASAN_SYSTEM ?= tests/system/10-main-job.sh tests/system/20-refusals.sh

asan-system:
	+@$(ASAN_MAKE) $(ASAN_LINK) all liars $(SYSTEM_TOOLS:$(BUILD)/%=$(ASAN_BUILD)/%) $(ASAN_BUILD)/tests/sanitize/sees
	@tests/sanitize/run address $(ASAN_BUILD) system $(if $(filter all,$(ASAN_SYSTEM)),$(wildcard tests/system/[0-9]*.sh),$(ASAN_SYSTEM))
.PHONY: tsan tsan-system asan-system

# ---- all of it

system: all $(SYSTEM_TOOLS) $(LIARS) $(INJECT)
	@scripts/system-run

# ---- what is measured: bench/README.md ------------------------------------------
# bench/NAME.c is a program; bench/NAME a script that sets up a network for bench/load/*. Each prints rows.
# bench_NAME: its own flags for the linker; bench_with_NAME: objects of its own.

BENCH	?=
BENCH_C	= $(filter-out bench/bench.c,$(wildcard bench/*.c))
BENCH_PROGRAMS = $(BENCH_C:%.c=$(BUILD)/%)
BENCH_O	= $(call obj,bench/bench.c)
BENCH_LIBS = $(ALL_LIBS) $(BUILD)/libfixture.a
BENCH_REPORT = $(BUILD)/bench/tool/report
bench_replay = -Wl,--wrap=crypto_sign_verify_detached
# It packs what the tests of evidence/ seal, and reads as the CLI does.
bench_package = $(WRAP)
bench_with_package = $(call obj,$(filter-out tests/unit/evidence/test_%,$(wildcard tests/unit/evidence/*.c)) $(wildcard tests/unit/*.c))
$(BUILD)/bench/package: $(bench_with_package)
# It is the keeper of the tests of custodian/, and takes the token's time out.
bench_custodian = -Wl,--wrap=hsm_run
$(BUILD)/bench/custodian: $(call obj,tests/unit/custodian/bench.c)
$(call obj,$(wildcard bench/*.c bench/load/*.c)): | $(PB_H)

$(BUILD)/bench/%: $(BUILD)/obj/bench/%.o $(BENCH_O) $(BENCH_LIBS)
	$(call say,LD)
	@mkdir -p $(@D)
	$(Q)$(LINK) $(bench_$*) -o $@ $(filter %.o,$^) $(call group,$(BENCH_LIBS)) $(ALL_LD) $(CMOCKA)

# What loads a network that a script beside it has set up.
LOAD	= $(patsubst %.c,$(BUILD)/%,$(wildcard bench/load/*.c))

BENCH_REPORT_O = $(call obj,$(wildcard bench/tool/*.c))
$(BENCH_REPORT): $(BENCH_REPORT_O)
	$(call say,LD)
	@mkdir -p $(@D)
	$(Q)$(LINK) -o $@ $(BENCH_REPORT_O) -ljansson -lm

bench-programs: all $(BENCH_PROGRAMS) $(LOAD) $(BENCH_REPORT) $(SYSTEM_TOOLS)

bench bench-quick bench-long: bench-programs
	@BUILD=$(abspath $(BUILD)) bench/tool/run $(patsubst bench%,-%,$@) $(BENCH)
.PHONY: bench bench-quick bench-long bench-programs

# What bites, in less than twenty minutes beside `make test`; CHECK= names some of its parts.
check:
	@BUILD=$(BUILD) MAKE='$(MAKE)' scripts/check $(CHECK)

# What takes too long for every day: each part by itself, at its full length; hours in all.
check-long: all $(SYSTEM_TOOLS) $(LIARS) $(INJECT)
	@BUILD=$(BUILD) MAKE='$(MAKE)' scripts/check --long $(CHECK)

clang:
	$(MAKE) BUILD=build/clang CC=clang all unit

# Deliberate breakages, each of which a named test must notice; MUTANTS= names some.
mutants:
	@BUILD=$(BUILD) scripts/mutants $(MUTANTS)

.PHONY: demo test system liars check check-long clang mutants

# ---- the rest -------------------------------------------------------------------

install: all
	install -d $(DESTDIR)$(PREFIX)/bin
	set -e; for p in $(PROGRAMS); do install -m 755 $$p $(DESTDIR)$(PREFIX)/bin/; done
	set -e; for s in 1 8; do for m in docs/man/*.$$s; do \
		[ -e "$$m" ] || continue; \
		install -D -m 644 "$$m" "$(DESTDIR)$(PREFIX)/share/man/man$$s/$${m##*/}"; \
	done; done

clean:
	rm -rf $(BUILD)

.PHONY: all programs unit asan layers vectors second install clean

-include $(patsubst %.o,%.d,$(call obj,$(foreach f,$(FOLDERS),$(wildcard $(call where,$(f))/*.c)) \
	$(wildcard tests/unit/*.c tests/unit/*/*.c tests/gen/*.c tests/gen/*/*.c tests/second/*.c \
	bench/*.c bench/*/*.c tests/fixture/*.c tests/fuzz/*.c tests/fuzz/*/*.c tests/system/*.c tests/liars/*.c tests/liars/wrap/*.c)))
