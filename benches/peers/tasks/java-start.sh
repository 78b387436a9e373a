# shellcheck shell=bash # sourced by guest/run
# The start of OpenJDK.
# Debian's alternatives are set up by maintainer scripts, which have not run.
PATH=$PATH:/usr/lib/jvm/default-java/bin
work() { java -version; }
result() { digest <err; }
