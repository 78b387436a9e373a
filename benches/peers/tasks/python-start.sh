# shellcheck shell=bash # sourced by guest/run
# python3: starts and imports much of its library.
work() { python3 -c 'import json, re, argparse, subprocess, email, http.client, unittest, decimal; print(decimal.Decimal(2).sqrt())'; }
