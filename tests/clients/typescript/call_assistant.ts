// Calls every route of the assistant's service with openapi-fetch and the types that openapi-typescript generates.
import createClient from "openapi-fetch";
import type { components, paths } from "./assistant.js";

type Schemas = components["schemas"];
type Read = "application/json" | "application/problem+json";

const client = createClient<paths, Read>({ baseUrl: process.argv[2]! });

function found<T>(answer: { data?: T; error?: unknown }): T {
  if (answer.data === undefined) throw new Error(JSON.stringify(answer.error));
  return answer.data;
}

function refused(answer: { error?: Schemas["Problem"] }): Schemas["Problem"] {
  if (answer.error === undefined) throw new Error("it was not refused");
  return answer.error;
}

const question: Schemas["AskedQuestion"] = { question: "What does PSI mean?", persona: "executive", conversation: "typed" };
const params = { header: { "X-Request-ID": "typed-2" } };
const answer = found(await client.POST("/v1/assist", { body: question, params }));
const lines = await client.POST("/v1/assist", { body: { ...question, stream: true }, parseAs: "text" });
const last = found(lines).trim().split("\n").at(-1)!;
const rated = found(await client.POST("/v1/feedback", { body: { request_id: "typed-2", thumb: "up" } }));
const unknown = refused(await client.POST("/v1/feedback", { body: { request_id: "nobody", thumb: "down" } }));
const invalid = refused(await client.POST("/v1/assist", { body: { question: "" } }));
const listed = found(await client.GET("/v1/sources"));
const text = { parseAs: "text" } as const;

console.log(
  JSON.stringify({
    assist: [answer.request_id, answer.kind, answer.citations[0]!.number, answer.written_by],
    feedback: rated.stored,
    sources: [listed.passages === listed.files.reduce((sum, each) => sum + each.passages, 0), listed.passages > 0],
    health: found(await client.GET("/health")).status,
    ready: found(await client.GET("/ready")).status,
    livez: found(await client.GET("/livez")).status,
    healthz: found(await client.GET("/healthz")).status,
    readyz: found(await client.GET("/readyz")).status,
    metrics: found(await client.GET("/metrics", text)).split("# HELP fusionguard_requests_total ").length - 1,
    docs: found(await client.GET("/docs", text)).startsWith("<!doctype html>"),
    openapi: found(await client.GET("/openapi.json"))["openapi"],
    schema: found(await client.GET("/schema.json"))["name"],
    200: (JSON.parse(last) as { answer: Schemas["Answer"] }).answer.kind,
    404: [unknown.status, unknown.reason],
    422: [invalid.status, invalid.errors?.map((each) => each.path)],
  }),
);
