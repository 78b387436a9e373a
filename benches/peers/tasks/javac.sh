# shellcheck shell=bash disable=SC2154 # sourced by guest/run
# javac on one class of some thirty lines.
# Debian's alternatives are set up by maintainer scripts, which have not run.
PATH=$PATH:/usr/lib/jvm/default-java/bin
work() { javac -d classes "$here/inputs/Work.java"; }
result() { digest <classes/Work.class; }
