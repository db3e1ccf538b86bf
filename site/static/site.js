// What the pages do beside showing themselves. Without this file everything can be read; nothing here asks another host.
const zh = document.documentElement.lang.startsWith('zh');
const say = (en, chinese) => zh ? chinese : en;

// What Sphinx has no Chinese for
if (zh) Documentation.TRANSLATIONS['Search finished, found one page matching the search query.'] = ['搜索完成，匹配到 ${resultCount} 页。'];

// Copy buttons on code
for (const block of document.querySelectorAll('article .highlight')) {
  const button = document.createElement('button');
  button.className = 'copy';
  button.type = 'button';
  button.textContent = say('Copy', '复制');
  button.addEventListener('click', async () => {
    const text = block.querySelector('pre').textContent.trimEnd();
    let done = true;
    try { await navigator.clipboard.writeText(text); }
    catch { done = byHand(text); }  // a page without https has no clipboard
    button.textContent = done ? say('Copied', '已复制') : say('Not copied', '没有复制');
    setTimeout(() => { button.textContent = say('Copy', '复制'); }, 1500);
  });
  block.append(button);
}
function byHand(text) {
  const area = document.createElement('textarea');
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  return done;
}

// To the same place in another edition: the cell that is at the top of the window
const cells = [...document.querySelectorAll('article .cell[id]')];
const here = () => cells.filter(o => o.getBoundingClientRect().top < 120).pop();
for (const link of document.querySelectorAll('.editions a'))
  link.addEventListener('click', () => {
    const cell = scrollY > 100 && here();
    link.hash = cell ? cell.id : '';
  });

// What is wider than the page scrolls by keyboard too
const reachable = () => {
  for (const o of document.querySelectorAll('article pre, article .scroll, article .table-wrapper'))
    if (o.scrollWidth > o.clientWidth) { o.tabIndex = 0; o.setAttribute('role', 'group'); } else o.removeAttribute('tabindex');
};
reachable();
addEventListener('resize', reachable);
for (const o of document.querySelectorAll('article details')) o.addEventListener('toggle', reachable);

// A link into a folded answer unfolds it, and paper has no folds
const unfold = () => {
  const to = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const folded = to && to.closest('details');
  if (folded) { folded.open = true; to.scrollIntoView(); }
};
unfold();
addEventListener('hashchange', unfold);
let opened = [];
addEventListener('beforeprint', () => {
  opened = [...document.querySelectorAll('article details:not([open])')];
  for (const o of opened) o.open = true;
});
addEventListener('afterprint', () => { for (const o of opened) o.open = false; });
