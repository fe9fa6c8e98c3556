// Shows times in the browser's own time zone, keeps "3 minutes ago" true, and counts down.
const MINUTE_MS = 60_000;
const UNITS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
];

const language = document.documentElement.lang;
const exact = new Intl.DateTimeFormat(language, {
  dateStyle: 'medium',
  timeStyle: 'short',
  hourCycle: 'h23',
});
const day = new Intl.DateTimeFormat(language, { dateStyle: 'medium' });
const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto' });

function textOf(at) {
  const seconds = Math.round((at - Date.now()) / 1_000);
  const [unit, length] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? ['second', 1];
  return relative.format(Math.round(seconds / length), unit);
}

function showTimes() {
  for (const time of document.querySelectorAll('time[data-moment]')) {
    time.textContent = exact.format(new Date(time.dateTime));
  }
  for (const time of document.querySelectorAll('time[data-day]')) {
    time.textContent = day.format(new Date(time.dateTime));
  }
  for (const time of document.querySelectorAll('time[data-relative]')) {
    const at = new Date(time.dateTime);
    time.textContent = textOf(at);
    time.title = exact.format(at);
  }
}

// The clock of this device may be wrong, so time is counted from when the server made the page.
function countDown(element) {
  const { now, remaining } = element.dataset;
  const seconds = Math.ceil((new Date(remaining) - new Date(now) - performance.now()) / 1_000);
  const left = Math.max(0, seconds);
  const text = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
  element.querySelector('[data-countdown]').textContent = text;
  const progress = element.querySelector('progress');
  if (!progress) return;
  // A scan can make the remaining time longer than the bar.
  progress.max = Math.max(progress.max, left);
  progress.value = left;
}

showTimes();
setInterval(showTimes, MINUTE_MS);
setInterval(() => {
  for (const element of document.querySelectorAll('[data-remaining]')) countDown(element);
}, 1_000);
