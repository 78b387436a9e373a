# shellcheck shell=bash disable=SC2154 # shares the variables of ../build
# A private apt: it knows only Debian's riscv64 packages, keeps its state under
# the guest directory and leaves the host's packages and package lists alone.
# apt checks the archive's signature, the index against it and every package
# against the index, resumes broken downloads and shows their progress.
# deploy/test-tools/lib/debian.sh makes others with its first functions.

apt_ready=no

# Sets up the private apt and brings its index up to date, once per run.
apt_prepare() {
    [ "$apt_ready" = no ] || return 0
    need apt-get apt
    need dpkg-deb dpkg
    find_keyring
    find_mirror
    apt_dir=$guest_dir/apt
    archives=$guest_dir/packages
    write_apt_conf "$apt_dir" "$archives" riscv64
    if ! use_suite "$suite"; then
        # A mirror may publish a new signed index before the files it lists.
        # The alias still names the point release before it, signed as well.
        say "the mirror's $suite is incomplete; trying its 'stable'"
        use_suite stable || die "the mirror offers no consistent index of $suite: try again later, or set MIRROR=http://HOST/debian"
    fi
    apt_ready=yes
}

find_keyring() {
    local file
    for file in /usr/share/keyrings/debian-archive-keyring.{pgp,gpg}; do
        if [ -f "$file" ]; then
            keyring=$file
            return
        fi
    done
    install_on_host "Debian's keyring" debian-archive-keyring
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    [ -f "$keyring" ] || die "no Debian keyring in /usr/share/keyrings: install debian-archive-keyring"
}

# Asks the host's apt which mirror it uses, in whatever form it is configured.
find_mirror() {
    mirror=${MIRROR:-}
    if [ -z "$mirror" ]; then
        # shellcheck disable=SC2016 # apt replaces $(REPO_URI), not the shell
        mirror=$(apt-get indextargets --no-release-info --format '$(REPO_URI)' |
            sed -n 's,/$,,; /\/debian$/p; /\/debian\.list$/p' | sed -n 1p) || mirror=
    fi
    [ -n "$mirror" ] ||
        die "this host's apt knows no Debian mirror: set MIRROR=http://HOST/debian"
}

# write_apt_conf DIRECTORY ARCHIVES ARCHITECTURE..: writes DIRECTORY/apt.conf for an apt that
# keeps its state in DIRECTORY, where nothing counts as installed, and downloads to ARCHIVES.
# The first ARCHITECTURE is its own. Hooks and targets of the host are cleared: they act on
# the host's own cache.
write_apt_conf() {
    local directory=$1 downloads=$2
    shift 2
    mkdir -p "$directory/lists/partial" "$downloads/partial"
    : >"$directory/status"
    cat >"$directory/apt.conf" <<CONF
#clear APT::Update;
#clear APT::Architectures;
#clear APT::Default-Release;
#clear DPkg::Pre-Invoke;
#clear DPkg::Post-Invoke;
#clear DPkg::Pre-Install-Pkgs;
APT::Architecture "$1";
APT::Architectures { $(printf '"%s"; ' "$@")};
APT::Install-Recommends "false";
APT::Install-Suggests "false";
APT::Sandbox::User "";
APT::Get::AllowUnauthenticated "false";
Acquire::AllowInsecureRepositories "false";
Acquire::ForceHash "SHA256";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::http::Timeout "30";
Dir::State "$directory";
Dir::State::lists "$directory/lists";
Dir::State::status "$directory/status";
Dir::Cache "$directory";
Dir::Cache::archives "$downloads";
Dir::Etc::sourcelist "$directory/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
CONF
}

# write_apt_source DIRECTORY SUITE ARCHITECTURE..: the only source that this apt knows.
write_apt_source() {
    local directory=$1 name=$2 list
    shift 2
    printf -v list '%s,' "$@"
    printf 'deb [arch=%s target=Packages signed-by=%s] %s %s main\n' "${list%,}" "$keyring" "$mirror" "$name" \
        >"$directory/sources.list"
}

# use_suite NAME: reads the signed index of NAME, which must be the release we
# want. Fails when the mirror's files contradict each other.
use_suite() {
    local codename
    write_apt_source "$apt_dir" "$1" riscv64
    say "reading the index of Debian $1 for riscv64"
    fetch_index "$1" || return 1
    [ "$1" != "$suite" ] || return 0
    codename=$(sed -n 's/^Codename: //p' "$apt_dir/lists"/*_"$1"_*Release | sed -n 1p)
    [ "$codename" = "$suite" ] || die "the mirror's $1 is $codename, not $suite: set SUITE or MIRROR"
}

# An index that contradicts its signature stays so for hours and fails at once;
# anything else may be the network and is tried again.
fetch_index() {
    local delay
    for delay in 1 4 0; do
        apt_update && return
        ! grep -q 'Mirror sync in progress\|Hash Sum mismatch' "$apt_dir/update.log" || return 1
        [ "$delay" -eq 0 ] || { say "no answer; trying again in $delay s" && sleep "$delay"; }
    done
    grep '^[EW]: ' "$apt_dir/update.log" >&2 || true
    die "cannot read the index of Debian $1: check the network, SUITE and MIRROR"
}

# Leaves errors and warnings in update.log.
apt_update() {
    local show=/dev/null
    [ ! -t 2 ] || show=/dev/stderr
    apt_run update -o APT::Update::Error-Mode=any >"$show" 2>"$apt_dir/update.log"
}

# apt_run COMMAND ARGUMENT..: apt-get with the private configuration.
apt_run() {
    apt-get -c "$apt_dir/apt.conf" "$@"
}

# with_progress COMMAND..: an apt command that fetches packages. On a terminal apt
# shows how far it is and how fast; elsewhere a line per 25 files will do.
with_progress() {
    if [ -t 2 ]; then
        apt_run "$@" >&2
    else
        apt_run -q "$@" | awk '
            /^Get:/ { if (n++ % 25 == 0) print "guest: fetching " $5 " .." }
            /^Fetched/ { print "guest: f" substr($0, 2) }' >&2
    fi
}

# candidate PACKAGE: its version and SHA-256, for a stamp.
candidate() {
    apt-cache -c "$apt_dir/apt.conf" show --no-all-versions "$1" 2>/dev/null |
        awk '/^Package: /{p=$2} /^Version: /{v=$2} /^SHA256: /{print p, v, $2; found=1; exit} END{exit !found}' ||
        die "Debian $suite has no package $1 for riscv64"
}

# archive_of PACKAGE VERSION: where its download is or will be.
archive_of() {
    printf '%s/%s_%s_riscv64.deb\n' "$archives" "$1" "${2//:/%3a}"
}

# fetch SUMS: downloads the packages of the file SUMS, of lines "SHA256 FILE",
# that are not there yet. apt checks what it fetches and trusts what it finds,
# so a damaged file is removed first.
fetch() {
    local hash file name missing=()
    while read -r hash file; do
        if [ -f "$file" ]; then
            [ "$(sha256sum <"$file")" != "$hash  -" ] || continue
            say "$(basename "$file") is damaged; fetching it again"
            rm -f "$file"
        fi
        name=$(basename "${file%_*.deb}")
        name=${name//%3a/:}
        missing+=("${name/_/=}")
    done <"$1"
    [ ${#missing[@]} -gt 0 ] || return 0
    (cd "$archives" && retry with_progress download "${missing[@]}") ||
        die "cannot download packages: check the network and start again; what is there is kept"
}
