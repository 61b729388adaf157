#!/bin/sh
# Chromium with a Chinese font, for the tests that look at pages. Only where root and apt exist;
# elsewhere those tests skip and say why.
set -eu
find_browser() { command -v chromium || command -v chromium-browser || command -v google-chrome; }

if find_browser >/dev/null && [ -n "$(fc-list :lang=zh 2>/dev/null | head -n 1)" ]; then
    exit 0
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing Chromium and a Chinese font for the page tests (once) ..."
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fontconfig fonts-wqy-zenhei; } >/dev/null 2>&1 ||
        echo "Chromium could not be installed; the page tests will skip." >&2
else
    echo "No Chromium with a Chinese font, and no root with apt to install it; the page tests will skip." >&2
fi
