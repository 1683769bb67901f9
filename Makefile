# GNU make, nothing else.  `make run` and `make test` also install what is
# missing; plain `make` never does.  CONTRIBUTING explains the targets.
VERSION	= 0.1.0
PREFIX	?= /usr/local
SYSCONFDIR ?= /etc
MANDIR	?= $(PREFIX)/share/man
CC	?= cc
CLANG	?= clang
B	= build

CPPFLAGS += -D_GNU_SOURCE -DNWSD_VERSION=\"$(VERSION)\" -I.
WARN	= -std=c11 -Wall -Wextra -Wshadow -Wstrict-prototypes \
	  -Wmissing-prototypes -Wpointer-arith -Wformat=2 -Wvla -Werror
# Of x86: compilers for other machines refuse it.
CET	:= $(shell $(CC) -fcf-protection -xc -c -o /dev/null /dev/null \
	   2>/dev/null && echo -fcf-protection)
HARDEN	= -O2 -g -fPIE -fstack-protector-strong -D_FORTIFY_SOURCE=2 $(CET)
LDHARDEN = -pie -Wl,-z,relro,-z,now -Wl,--as-needed
CFLAGS	?= $(HARDEN)
LDFLAGS	?= $(LDHARDEN)
LIBS	= -levent_core -levent_extra -lssl -lcrypto -lsodium -lz -lbsd \
	  -lseccomp
SANITIZE = -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
	  -fno-sanitize-recover=undefined -DNO_SANDBOX

SYSTEM	:= $(shell uname -s | tr A-Z a-z)
COMMON	:= $(filter-out common/sandbox_%.c,$(wildcard common/*.c)) \
	   $(wildcard common/sandbox_$(SYSTEM).c)
DAEMON	:= $(wildcard parent/*.c frontend/*.c router/*.c discovery/*.c \
	   crypto/*.c files/*.c)
CTL	:= $(wildcard ctl/ctl_*.c)
UNIT	:= $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/*_test.c))
FUZZ	:= $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*_fuzz.c))
# One short line for each command; `make V=1` shows them whole.
ifeq ($(V),)
say	= @echo '$(1)	$@';
endif
COMPILE	= $(call say,cc) $(CC) $(CPPFLAGS) $(WARN) $(CFLAGS)
LINK	= $(call say,ld) $(CC) $(CFLAGS) $(LDFLAGS)
ARCHIVE	= $(call say,ar) rm -f $@ && ar qcs $@ $^
obj	= $(patsubst %.c,$(B)/%.o,$(1))

all: $(B)/nwsd $(B)/nwsctl $(B)/nws

$(B)/nwsd: $(call obj,$(DAEMON) $(COMMON))
	$(LINK) -o $@ $^ $(LIBS)
$(B)/nwsctl: $(call obj,ctl/nwsctl.c $(wildcard ctl/nwsctl_*.c)) $(B)/ctl.a
	$(LINK) -o $@ $^ -lcjson $(LIBS)
$(B)/nws: $(call obj,ctl/nws.c $(wildcard ctl/nws_*.c)) $(B)/ctl.a
	$(LINK) -o $@ $^ -lcjson $(LIBS)
$(B)/ctl.a: $(call obj,$(CTL) $(COMMON))
	$(ARCHIVE)

# A test links what it needs out of one archive of everything, so that it may
# put its own functions in place of ours.
$(B)/nwsd.a: $(call obj,$(DAEMON) $(CTL) $(filter-out ctl/nws.c ctl/nwsctl.c,$(wildcard ctl/nws*_*.c)) $(COMMON))
	$(ARCHIVE)
$(B)/unit/%: $(B)/tests/unit/%.o $(B)/nwsd.a
	@mkdir -p $(@D)
	$(LINK) -o $@ $^ -lcmocka -lcjson $(LIBS)
# Each fuzz target twice: with a main that replays files, and with libFuzzer.
$(B)/replay/%: $(B)/tests/fuzz/%.o $(B)/tests/fuzz/replay.o $(B)/nwsd.a
	@mkdir -p $(@D)
	$(LINK) -o $@ $^ -lcjson $(LIBS)
$(B)/fuzz/%: $(B)/tests/fuzz/%.o $(B)/nwsd.a
	@mkdir -p $(@D)
	$(LINK) -fsanitize=fuzzer -o $@ $^ -lcjson $(LIBS)

$(B)/%.o: %.c $(B)/.flags | $(B)/.deps
	@mkdir -p $(@D)
	$(COMPILE) -MMD -MP -c -o $@ $<

# The files that the daemon serves are part of it.  /nws.js is /nws.mjs as a
# classic script: all in one function, its exports made global.
WWW	= $(B)/frontend/www
$(WWW)/nws.js: frontend/www/nws.mjs
	@mkdir -p $(@D)
	$(call say,js) { echo '(() => {' && echo "'use strict';" && sed \
	    -e 's/import\.meta\.url/globalThis.document?.currentScript?.src/' \
	    -e 's/^export {\(.*\)};$$/Object.assign(globalThis, {\1});/' $< && \
	    echo '})();'; } > $@
$(B)/frontend/www.o: CPPFLAGS += -DWWW_MADE=\"$(WWW)\"
$(B)/frontend/www.o: $(shell find frontend/www contrib/examples \
	    -type f) $(WWW)/nws.js

# Other flags than last time: everything is compiled anew.
$(B)/.flags: FORCE
	@mkdir -p $(B)
	@echo '$(CC) $(CPPFLAGS) $(WARN) $(CFLAGS) $(LDFLAGS)' | \
	    cmp -s - $@ || \
	    echo '$(CC) $(CPPFLAGS) $(WARN) $(CFLAGS) $(LDFLAGS)' > $@
# One clear line instead of a wall of errors where a library is missing.
$(B)/.deps:
	@mkdir -p $(B)
	@for h in event2/event.h openssl/evp.h zlib.h bsd/stdlib.h seccomp.h \
	    cjson/cJSON.h sodium.h; do \
		echo "#include <$$h>" | $(CC) -E -xc -o /dev/null - \
		    2>/dev/null && continue; \
		echo "$$h is missing: run \`make setup'" >&2; exit 1; \
	done
	@touch $@

# The message table of nws-ipc(7) comes from the source.
man: man/nws-ipc.7
$(B)/mkipc: $(call obj,man/mkipc.c common/msg.c)
	$(LINK) -o $@ $^ $(LIBS)
man/nws-ipc.7: man/nws-ipc.7.in $(B)/mkipc
	$(B)/mkipc < $< > $@.tmp && mv $@.tmp $@

setup:
	@tests/setup.sh build
setup-test:
	@tests/setup.sh test

run: setup
	@$(MAKE) --no-print-directory all
	@echo "nwsd: the console is at http://localhost:9009/  (^C ends it)"
	@exec $(B)/nwsd -d

# The sanitizer build; it has no sandbox, since no filter can list what the
# sanitizers call.
asan:
	@$(MAKE) --no-print-directory B=build-asan CFLAGS='$(SANITIZE)' \
	    LDFLAGS='-fsanitize=address,undefined' all
unit: $(addprefix $(B)/unit/,$(UNIT))
unit-asan replay:
	@$(MAKE) --no-print-directory B=build-asan CFLAGS='$(SANITIZE)' \
	    LDFLAGS='-fsanitize=address,undefined' $@-all
unit-asan-all: $(addprefix $(B)/unit/,$(UNIT))
replay-all: $(addprefix $(B)/replay/,$(FUZZ))

test: setup-test
	@tests/run.sh unit conf fuzz deb live net web
test-unit test-conf test-fuzz test-deb test-live test-net test-web: setup-test
	@tests/run.sh $(patsubst test-%,%,$@)

# libFuzzer, FUZZ_SECONDS for each target; what it finds is left in build-fuzz.
FUZZ_SECONDS ?= 60
fuzz: setup-test
	@$(MAKE) --no-print-directory B=build-fuzz CC=$(CLANG) \
	    CFLAGS='-O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -DNO_SANDBOX' \
	    LDFLAGS= fuzz-all
	@for t in $(FUZZ); do \
		n=$${t%_fuzz}; mkdir -p build-fuzz/corpus/$$n; \
		echo "== $$t, $(FUZZ_SECONDS) s"; \
		build-fuzz/fuzz/$$t -max_total_time=$(FUZZ_SECONDS) \
		    -print_final_stats=0 -verbosity=0 \
		    -artifact_prefix=build-fuzz/$$n- \
		    build-fuzz/corpus/$$n tests/fuzz/corpus/$$n || exit 1; \
	done
fuzz-all: $(addprefix $(B)/fuzz/,$(FUZZ))

SOURCES	= $(COMMON) $(DAEMON) $(wildcard ctl/*.c man/*.c \
	  tests/unit/*.c tests/fuzz/*.c tests/bench/*.c tests/bench/*/*.c)
lint: setup-test
	@tests/lint.sh $(SOURCES)
format:
	git clang-format --extensions c -f

bench: setup-test
	@$(MAKE) --no-print-directory all
	@$(MAKE) --no-print-directory -C tests/bench

INSTALL	?= install
D	= $(DESTDIR)
LIBDIR	= $(PREFIX)/lib
UNITDIR	= $(LIBDIR)/systemd
BASHDIR	= $(PREFIX)/share/bash-completion/completions
ZSHDIR	= $(PREFIX)/share/zsh/site-functions
EXAMPLES = $(PREFIX)/share/doc/nwsd/examples
MAN	= man/nws.1 man/nwsd.conf.5 man/nws-protocol.7 man/nws-ipc.7 \
	  man/nws-link.7 man/nwsctl.8 man/nwsd.8
install: all man
	$(INSTALL) -d $(D)$(PREFIX)/sbin $(D)$(PREFIX)/bin \
	    $(D)$(MANDIR)/man1 $(D)$(MANDIR)/man5 $(D)$(MANDIR)/man7 \
	    $(D)$(MANDIR)/man8 $(D)$(SYSCONFDIR)
	$(INSTALL) -m 755 $(B)/nwsd $(B)/nwsctl $(D)$(PREFIX)/sbin
	$(INSTALL) -m 755 $(B)/nws $(D)$(PREFIX)/bin
	for m in $(MAN); do \
		$(INSTALL) -m 644 $$m $(D)$(MANDIR)/man$${m##*.} || exit 1; \
	done
	test -e $(D)$(SYSCONFDIR)/nwsd.conf || \
	    $(INSTALL) -m 644 contrib/nwsd.conf $(D)$(SYSCONFDIR)/nwsd.conf
	$(INSTALL) -d $(D)$(UNITDIR)/system $(D)$(LIBDIR)/sysusers.d \
	    $(D)$(LIBDIR)/tmpfiles.d
	sed 's|/usr/sbin/|$(PREFIX)/sbin/|' contrib/systemd/nwsd.service > \
	    $(D)$(UNITDIR)/system/nwsd.service
	$(INSTALL) -m 644 contrib/systemd/nwsd.sysusers \
	    $(D)$(LIBDIR)/sysusers.d/nwsd.conf
	$(INSTALL) -m 644 contrib/systemd/nwsd.tmpfiles \
	    $(D)$(LIBDIR)/tmpfiles.d/nwsd.conf
	$(INSTALL) -d $(D)$(BASHDIR) $(D)$(ZSHDIR)
	$(INSTALL) -m 644 contrib/completion/nws.bash $(D)$(BASHDIR)/nws
	$(INSTALL) -m 644 contrib/completion/nwsctl.bash $(D)$(BASHDIR)/nwsctl
	$(INSTALL) -m 644 contrib/completion/_nws contrib/completion/_nwsctl \
	    $(D)$(ZSHDIR)
	$(INSTALL) -d $(D)$(EXAMPLES)/native
	$(INSTALL) -m 644 contrib/examples/*.* $(D)$(EXAMPLES)
	$(INSTALL) -m 755 contrib/examples/native/* $(D)$(EXAMPLES)/native
uninstall:
	rm -f $(D)$(PREFIX)/sbin/nwsd $(D)$(PREFIX)/sbin/nwsctl \
	    $(D)$(PREFIX)/bin/nws $(D)$(UNITDIR)/system/nwsd.service \
	    $(D)$(LIBDIR)/sysusers.d/nwsd.conf \
	    $(D)$(LIBDIR)/tmpfiles.d/nwsd.conf $(D)$(BASHDIR)/nws \
	    $(D)$(BASHDIR)/nwsctl $(D)$(ZSHDIR)/_nws $(D)$(ZSHDIR)/_nwsctl
	rm -rf $(D)$(EXAMPLES)
	@for m in $(MAN); do rm -f $(D)$(MANDIR)/man$${m##*.}/$${m##*/}; done

# A Debian package in build-deb/, of what git has and contrib/debian says.
DEB	= build-deb/nwsd-$(VERSION)
deb:
	@tests/setup.sh deb
	rm -rf build-deb && mkdir -p $(DEB)
	git ls-files -z | xargs -0 cp --parents -t $(DEB)
	cp -r contrib/debian $(DEB)/debian
	by=$$(git log -1 --format='nwsd authors <%ae>') && \
	sed -i "s/@MAINTAINER@/$$by/" $(DEB)/debian/control && \
	printf 'nwsd (%s-1) unstable; urgency=medium\n\n  * %s\n\n -- %s  %s\n' \
	    $(VERSION) 'See CHANGELOG.md.' "$$by" \
	    "$$(git log -1 --format=%aD)" > $(DEB)/debian/changelog
	cd $(DEB) && dpkg-buildpackage -b -us -uc
	ls build-deb/*.deb

clean:
	rm -rf build build-asan build-fuzz build-deb

-include $(shell find $(B) -name '*.d' 2>/dev/null)
.PHONY: all man setup setup-test run asan unit unit-asan unit-asan-all replay \
    replay-all test test-unit test-conf test-fuzz test-deb test-live test-net \
    test-web fuzz fuzz-all lint format bench install uninstall deb clean FORCE
.DELETE_ON_ERROR:
.SECONDARY:
