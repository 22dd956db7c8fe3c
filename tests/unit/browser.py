# SPDX-License-Identifier: GPL-2.0-only
"""A browser for tests of pages: who imports this is skipped where there is no Selenium."""
import sys

try:
    from selenium import webdriver
    from selenium.common.exceptions import WebDriverException
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service
except ImportError as why:
    print(f"1..0 # SKIP {why}: apt install python3-selenium")
    sys.exit()

DRIVER = "/usr/bin/chromedriver"


def start():
    """A browser without a window; after a reason, None."""
    options = Options()
    for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1200,900",
                 "--disable-dev-shm-usage"):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    try:
        return webdriver.Chrome(service=Service(DRIVER), options=options)
    except WebDriverException as error:
        print(f"1..0 # SKIP Chromium can't start: {str(error).splitlines()[0]}")
        return None
