/** `npm start`, as somebody meets it who has just cloned the project. */

import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { StartProcess } from "./start-process.ts";

let statePath: string;
let started: StartProcess[];

beforeEach(() => {
  statePath = mkdtempSync(join(tmpdir(), "durable-raft-start-"));
  started = [];
});

afterEach(async () => {
  await Promise.all(started.map((process) => process.kill("SIGKILL")));
  rmSync(statePath, { recursive: true });
});

function start(...words: string[]): StartProcess {
  const process = new StartProcess(["--port", "0", "--state", statePath, ...words]);
  started.push(process);
  return process;
}

describe("a cluster", () => {
  test("serves, and prints three lines to try that do what they say", async () => {
    const process = start();
    await process.ready();
    expect(process.output).toContain("3 nodes on");
    const commands = process.output.split("\n").filter((line) => line.trim().startsWith("curl "));
    const answers = commands.map((command) => execFileSync("sh", ["-c", `${command} -sS`], { encoding: "utf8" }));
    expect(answers).toHaveLength(3);
    expect(JSON.parse(answers[0] ?? "")).toMatchObject({ key: "greeting", version: 1 });
    expect(answers[1]).toBe("hello");
    expect(JSON.parse(answers[2] ?? "")).toMatchObject({ nodes: [{ id: "n1" }, { id: "n2" }, { id: "n3" }] });
  });

  test("still has its data and its nodes when started again", async () => {
    const first = start("--nodes", "1");
    await fetch(`${await first.ready()}/v1/kv/kept`, { method: "PUT", body: "still here" });
    await first.kill("SIGINT");
    const second = start();
    const response = await fetch(`${await second.ready()}/v1/kv/kept`);
    expect(second.output).toContain("1 node on");
    expect(await response.text()).toBe("still here");
  });

  test("forgets its data with --fresh", async () => {
    const first = start("--nodes", "1");
    await fetch(`${await first.ready()}/v1/kv/gone`, { method: "PUT", body: "x" });
    await first.kill("SIGINT");
    const second = start("--fresh", "--nodes", "5");
    const response = await fetch(`${await second.ready()}/v1/kv/gone`);
    expect(second.output).toContain("5 nodes on");
    expect(response.status).toBe(404);
  });

  test("answers nobody who calls it by another host's name", async () => {
    const address = await start("--nodes", "1").ready();
    const status = execFileSync(
      "curl",
      ["-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Host: example.com", `${address}/v1/kv/key`],
      { encoding: "utf8" },
    );
    expect(status).toBe("403");
  });
});

describe("leaves no process behind", () => {
  test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("after %s", async (signal) => {
    const process = start("--nodes", "1");
    await process.ready();
    expect(await process.kill(signal)).toBe(0);
    expect(await process.survivors()).toEqual([]);
  });

  test("even after SIGKILL", async () => {
    const process = start("--nodes", "1");
    await process.ready();
    expect(await process.kill("SIGKILL")).toBe(null);
    expect(await process.survivors()).toEqual([]);
  });

  test("when the port is taken", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as AddressInfo;
    const process = start("--port", String(port));
    expect(await process.exit()).toBe(1);
    expect(process.output).toBe(`npm start: port ${port} is taken: choose another with --port\n`);
    expect(await process.survivors()).toEqual([]);
    server.close();
  });
});

describe("says in one line what is wrong", () => {
  test.each([
    [["--nodes", "10"], '--nodes takes a whole number from 1 to 9, not "10"'],
    [["--nodes", "two"], '--nodes takes a whole number from 1 to 9, not "two"'],
    [["--port", "70000"], '--port takes a whole number from 0 to 65535, not "70000"'],
    [["--frsh"], "Unknown option '--frsh'"],
  ])("with %j", async (words, message) => {
    const process = start(...words);
    expect(await process.exit()).toBe(2);
    expect(process.output).toBe(`npm start: ${message}\n`);
  });

  test.each([[], ["--fresh"]])(
    "with a folder that holds what is not its own, and leaves it as it is: %j",
    async (...words) => {
      writeFileSync(join(statePath, "precious"), "keep me");
      const process = start(...words);
      expect(await process.exit()).toBe(1);
      const message = `${statePath} is not empty, and not the state of a cluster: nothing was changed there`;
      expect(process.output).toBe(`npm start: ${message}\n`);
      expect(readdirSync(statePath)).toEqual(["precious"]);
    },
  );

  test.each(["/proc/nowhere/state", join(import.meta.dirname, "start.test.ts")])(
    "with the state in %s",
    async (path) => {
      const process = start("--state", path);
      expect(await process.exit()).toBe(1);
      expect(process.output).toMatch(/^npm start: no state can be kept in [^\n]+\n$/);
    },
  );

  test("with another number of nodes than is stored", async () => {
    const first = start("--nodes", "1");
    await first.ready();
    await first.kill("SIGINT");
    const second = start("--nodes", "3");
    expect(await second.exit()).toBe(2);
    expect(second.output).toBe("npm start: the stored cluster has 1 node: add --fresh to forget it and start 3\n");
  });

  test("with state that another process uses", async () => {
    await start("--nodes", "1").ready();
    const second = start("--nodes", "1", "--fresh");
    expect(await second.exit()).toBe(1);
    expect(second.output).toBe(`npm start: another process uses the state in ${statePath}\n`);
  });
});
