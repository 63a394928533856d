// The browser's part of the check: finds a number whose hash together with the challenge begins with enough zero bits, a
// little at a time, so that the page stays usable. Whoever would rather answer the question can.

const SLICE = 25;

const primes = [];
for (let n = 2; primes.length < 64; n += 1) if (primes.every((prime) => n % prime)) primes.push(n);
const fraction = (number) => (number % 1) * 2 ** 32 | 0;
const ROUNDS = primes.map((prime) => fraction(Math.cbrt(prime)));
const START = primes.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)));
const words = new Int32Array(64);
const turned = (word, by) => (word >>> by) | (word << (32 - by));

// The first word of SHA-256 of a text of at most 55 ASCII characters: one block.
export function firstWord(text) {
  words.fill(0);
  for (let i = 0; i < text.length; i += 1) words[i >> 2] |= text.charCodeAt(i) << (24 - (i % 4) * 8);
  words[text.length >> 2] |= 0x80 << (24 - (text.length % 4) * 8);
  words[15] = text.length * 8;
  for (let i = 16; i < 64; i += 1) {
    const [x, y] = [words[i - 15], words[i - 2]];
    const low = turned(x, 7) ^ turned(x, 18) ^ (x >>> 3);
    const high = turned(y, 17) ^ turned(y, 19) ^ (y >>> 10);
    words[i] = words[i - 16] + low + words[i - 7] + high;
  }
  let [a, b, c, d, e, f, g, h] = START;
  for (let i = 0; i < 64; i += 1) {
    const chosen = (e & f) ^ (~e & g);
    const most = (a & b) ^ (a & c) ^ (b & c);
    const one = (h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + chosen + ROUNDS[i] + words[i]) | 0;
    const two = ((turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + most) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
  }
  return (a + START[0]) | 0;
}

function begin(field) {
  const form = field.form;
  const { challenge, bits } = field.dataset;
  const status = document.getElementById("work-status");
  const question = document.getElementById("work-question");
  const instead = document.getElementById("work-instead");
  const sum = document.getElementById("sum");
  const asked = form.querySelector("[aria-invalid]") !== null;
  let waits = false;
  const done = (number) => {
    field.value = number;
    status.textContent = status.dataset.done;
    if (waits) form.submit();
  };
  const search = (number) => {
    const end = performance.now() + SLICE;
    for (let next = number; ; next += 1) {
      if (Math.clz32(firstWord(`${challenge}:${next}`)) >= bits) return done(next);
      if (next % 64 === 0 && performance.now() > end) return setTimeout(search, 0, next + 1);
    }
  };
  question.hidden = !asked;
  instead.hidden = asked;
  status.hidden = false;
  instead.addEventListener("click", () => {
    question.hidden = false;
    instead.hidden = true;
    sum.focus();
  });
  form.addEventListener("submit", (event) => {
    if (field.value || sum.value) return;
    event.preventDefault();
    waits = true;
  });
  search(0);
}

if (typeof document !== "undefined") for (const field of document.querySelectorAll("[data-challenge]")) begin(field);
