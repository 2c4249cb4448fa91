// Shows the values below the pointer; the page tells everything without it.
for (const chart of document.querySelectorAll('svg.chart')) {
  const { x: kind, xTo, yTo, unit, frame } = chart.dataset;
  const [left, top, right, bottom] = frame.split(' ').map(Number);
  const cursor = chart.querySelector('.cursor');
  const box = chart.parentElement.querySelector('output');
  const lines = [...chart.querySelectorAll('path.line')].reverse().map((path) => ({
    name: path.dataset.name,
    points: [...path.getAttribute('d').matchAll(/[ML]([\d.]+) ([\d.]+)/g)].map((m) => [+m[1], +m[2]]),
  }));
  const share = (x) => (x - left) / (right - left);
  const place = (x) => kind === 'percentile'
    ? 'p' + +(100 * (1 - 10 ** (-share(x) * xTo))).toPrecision(6)
    : (share(x) * xTo).toFixed(1) + ' s';
  const value = (y) => +((bottom - y) / (bottom - top) * yTo).toPrecision(3) + unit;
  const hide = () => { cursor.setAttribute('hidden', ''); box.hidden = true; };
  chart.addEventListener('pointerleave', hide);
  chart.addEventListener('pointermove', (event) => {
    const area = chart.getBoundingClientRect();
    const x = (event.clientX - area.left) / area.width * chart.viewBox.baseVal.width;
    if (x < left || x > right) return hide();
    const near = lines.map(({ name, points }) => [name, points.reduce(
      (best, point) => (best && Math.abs(best[0] - x) <= Math.abs(point[0] - x) ? best : point), null)]);
    box.textContent = [place(x), ...near.filter(([, point]) => point)
      .map(([name, point]) => `${name}: ${value(point[1])}`)].join('\n');
    for (const [name, at] of [['x1', x], ['x2', x], ['y1', top], ['y2', bottom]]) cursor.setAttribute(name, at);
    cursor.removeAttribute('hidden');
    box.hidden = false;
    const from = event.clientX - area.left;
    box.style.left = (from > area.width / 2 ? from - box.offsetWidth - 12 : from + 32) + 'px';
  });
}
