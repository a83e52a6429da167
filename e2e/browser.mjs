// The page in a real browser: what an installer sees on a phone within the first seconds of `ccmaster demo`.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const program = new URL("../target/release/ccmaster", import.meta.url).pathname;
const screenshot = new URL("../.ci/cache/demo.png", import.meta.url).pathname;
// Debian's Chromium, as root, without looking for anything on the Internet.
const options = [
  "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
  "disable-component-update", "disable-sync", "disable-dev-shm-usage",
];

const demo = spawn(program, ["-q", "demo", "--listen", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "inherit"] });
const [line] = await once(createInterface(demo.stdout), "line");
const address = line.match(/http:\S+/)[0];
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: options.map((option) => `--${option}`) });

try {
  const page = await browser.newPage({ viewport: { width: 390, height: 844 } });
  const errors = [];
  const elsewhere = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  page.on("request", (request) => request.url().startsWith(address) || request.url().startsWith("data:") || elsewhere.push(request.url()));

  const opened = Date.now();
  await page.goto(address);
  await page.waitForSelector('[data-plant="home"] [data-node=consumption] output:not(.unknown)');
  console.log(`  the plant's balance after ${Date.now() - opened} ms`);
  for (const device of ["grid", "kitchen", "heat-pump", "pv"]) {
    await page.waitForSelector(`[data-device="${device}"] [data-quantity="p"].good`);
  }
  assert.match(await page.textContent('[data-device="heat-pump"] .about'), /CcM1 · 0119060072 · 0X2823 · MB_RTU_CCM 002\.1/);
  for (const [device, about] of [
    ["fiscal", /^Generic iec62056-21 · 63355730 · IEC_62056_21 on d0$/],
    ["smart", /^Generic DSMR · CCMP1-0000000042 · P1 on p1$/],
    ["reference", /^Generic dlms · CCM62056DLMS0001 · DLMS on dlms$/],
  ]) {
    for (const quantity of ["e_import", "e_export", "p", "v1"]) {
      await page.waitForSelector(`[data-device="${device}"] [data-quantity="${quantity}"].good`);
    }
    assert.match(await page.textContent(`[data-device="${device}"] .about`), about);
    const [, energy, unit, age] = await page.$$eval(`[data-device="${device}"] [data-quantity="e_import"] td`, (cells) => cells.map((cell) => cell.textContent));
    assert.match(energy, /^42\d{5}$/);
    assert.equal(unit, "Wh");
    assert.match(age, /^\d+ s$/);
  }
  const [name, value, unit, age] = await page.$$eval('[data-device="grid"] [data-quantity="v1"] td', (cells) => cells.map((cell) => cell.textContent));
  assert.deepEqual([name, unit], ["voltage L1", "V"]);
  assert.match(value, /^2[23]\d\.\d\d$/);
  assert.match(age, /^\d+ s$/);

  const watts = async (node) => Number((await page.textContent(`[data-node=${node}] output`)).replace(/[^\d-]/g, ""));
  const balance = await (await fetch(`${address}/api/v1/plants/home/power`)).json();
  assert.equal(balance.consumption_w, balance.production_w + balance.grid_w);
  assert.ok(Math.abs((await watts("production")) - balance.production_w) < 500);

  const before = await page.textContent('[data-device="pv"] [data-quantity="p"] td.number');
  await page.waitForFunction((old) => document.querySelector('[data-device="pv"] [data-quantity="p"] td.number').textContent !== old, before, { timeout: 10_000 });
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= 390, `the page is ${width} pixels wide on a phone of 390`);
  await page.screenshot({ path: screenshot, fullPage: true });
  assert.deepEqual(errors, []);
  assert.deepEqual(elsewhere, []);
  console.log("browser: 1 passed, 0 failed");
} finally {
  await browser.close();
  demo.kill("SIGTERM");
}
