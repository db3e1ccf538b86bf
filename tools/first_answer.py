"How long the live page of the built site takes to its first answer: `python tools/first_answer.py [TIMES]`"
import functools,http.server,os,shutil,statistics,sys,threading
from pathlib import Path

from playwright.sync_api import sync_playwright

site = Path(__file__).resolve().parent.parent/'_site'

class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args): pass

def measure(browser, url):
    "Milliseconds from the click until the page is ready (DOMContentLoaded), and to the first answer, without a cache"
    context = browser.new_context()
    page = context.new_page()
    page.goto(url)
    page.wait_for_selector('#live[data-answered]', state='attached')
    res = page.evaluate("[performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd, "
                        "performance.getEntriesByName('live-answer')[0].startTime]")
    context.close()
    return res

def main(times=20):
    if not (site/'live.html').exists(): sys.exit('There is no _site/live.html: run `make site`')
    path = next(filter(None, map(shutil.which, ('chromium','chromium-browser','google-chrome','chrome'))), None)
    if path is None: sys.exit('There is no browser: install chromium')
    server = http.server.ThreadingHTTPServer(('127.0.0.1',0), functools.partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=path, args=['--no-sandbox','--disable-gpu'])
        url = f'http://127.0.0.1:{server.server_port}/live.html'
        got = [measure(browser, url) for _ in range(int(times)+1)][1:]  # the first warms the machine
        browser.close()
    for what,ms in (('after the page is ready',[b-a for a,b in got]), ('after the click',[b for _,b in got])):
        print(f'first answer {what}: {statistics.median(ms):.0f} ms, {min(ms):.0f} to {max(ms):.0f} in {len(ms)}')
    print(f'{os.cpu_count()} cores', f', load {os.getloadavg()[0]:.1f}' if hasattr(os, 'getloadavg') else '', sep='')

if __name__=='__main__': main(*sys.argv[1:])
