# shellcheck shell=bash disable=SC2154 # sourced by guest/run
# openssl: AES, SHA-3 and ChaCha20 of a text, and a test of a prime number of 1,279 bits.
work() {
    local key=000102030405060708090a0b0c0d0e0f mersenne
    printf -v mersenne '%0319d' 0
    openssl enc -aes-128-cbc -K $key -iv $key -in "$here/inputs/text" | openssl dgst -sha3-256 &&
        openssl enc -chacha20 -K $key$key -iv $key -in "$here/inputs/text" | openssl dgst -sha512 &&
        openssl prime -hex "7${mersenne//0/F}"
}
