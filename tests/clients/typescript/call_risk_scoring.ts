// Calls every route of RiskScoring with openapi-fetch and the types that openapi-typescript generates, and says what came back.
// `tsc --strict` reads it: what it takes out of an answer is what the generated types hold.
import { readFileSync } from "node:fs";
import createClient from "openapi-fetch";
import type { components, paths } from "./risk_scoring.js";

type Schemas = components["schemas"];
type Read = "application/json" | "application/problem+json";

const [address, key, folder] = process.argv.slice(2) as [string, string, string];
const client = createClient<paths, Read>({ baseUrl: address, headers: { Authorization: `Bearer ${key}` } });
const anonymous = createClient<paths, Read>({ baseUrl: address });
const read = (name: string) => readFileSync(`${folder}/${name}`);
const transaction = JSON.parse(read("transaction.json").toString()) as Schemas["FraudRow"];
const customer: Schemas["ChurnRow"] = {
  CreditScore: 611,
  Age: 58,
  Tenure: 3,
  Balance: 120500.5,
  NumOfProducts: 1,
  HasCrCard: 0,
  IsActiveMember: 0,
  EstimatedSalary: 71000.25,
  Geography: "Germany",
  Gender: "Female",
};

function found<T>(answer: { data?: T; error?: unknown }): T {
  if (answer.data === undefined) throw new Error(JSON.stringify(answer.error));
  return answer.data;
}

function refused(answer: { error?: Schemas["Problem"] }): Schemas["Problem"] {
  if (answer.error === undefined) throw new Error("it was not refused");
  return answer.error;
}

function columns<Row extends object>(rows: Row[]): { [Name in keyof Row]-?: NonNullable<Row[Name]>[] } {
  const names = Object.keys(rows[0]!) as (keyof Row)[];
  return Object.fromEntries(names.map((name) => [name, rows.map((row) => row[name])])) as never;
}

async function fraud() {
  const row = { ...transaction, V14: -9.5, Amount: 412.25, id: "t-1" };
  const params = { header: { "X-Request-ID": "typed-2" } };
  const one = await client.POST("/v1/fraud/score", { body: row, params });
  const answer = found(one);
  const why = found(await client.POST("/v1/fraud/explain", { body: row }));
  const rows = [row, { ...transaction, id: "t-2" }];
  const byRow = found(await client.POST("/v1/fraud/score_batch", { body: { rows } }));
  const byColumn = found(await client.POST("/v1/fraud/score_batch", { body: { columns: columns(rows) } }));
  if (!("answers" in byRow) || !("columns" in byColumn)) throw new Error("a batch is answered as it was sent");
  const outcome: Schemas["Outcome"] = { request_id: "typed-2", row: 0, label: 1, observed_at: "2026-05-06T07:08:00Z" };
  const stored = found(await client.POST("/v1/fraud/labels", { body: { labels: [outcome] } }));
  const conflict = refused(await client.POST("/v1/fraud/labels", { body: { labels: [{ ...outcome, label: 0 }] } }));
  return {
    score_fraud: [answer.id, answer.request_id, answer.probability, one.response.headers.get("X-Model-Version")],
    explain_fraud: [why.score, why.contributions.reduce((sum, each) => sum + each.contribution, why.base)],
    score_fraud_batch: [
      byRow.answers.map((each) => [each.id, each.probability]),
      [byColumn.columns.id, byColumn.columns.probability],
    ],
    label_fraud: [stored.stored, stored.repeated, conflict.status, conflict.reason],
  };
}

async function churn() {
  const answer = found(await client.POST("/v1/churn/score", { body: customer }));
  const why = found(await client.POST("/v1/churn/explain", { body: customer }));
  const byRow = found(await client.POST("/v1/churn/score_batch", { body: { rows: [customer, customer] } }));
  if (!("answers" in byRow)) throw new Error("a batch is answered as it was sent");
  const tables = [];
  for (const name of ["customers.parquet", "customers.arrow"]) {
    const table = found(
      await client.POST("/v1/churn/score_batch", {
        body: "", // bytes have no type of their own there: what is sent is what the serializer returns
        bodySerializer: () => read(name),
        headers: { "Content-Type": "application/octet-stream" },
        params: { query: { id: "id" } },
      }),
    );
    if (!("columns" in table)) throw new Error("a table is answered by column");
    tables.push([table.columns.id, table.columns.probability]);
  }
  const outcome: Schemas["Outcome"] = {
    request_id: answer.request_id,
    row: 0,
    label: 0,
    observed_at: "2026-05-06T00:00:00Z",
  };
  const stored = found(await client.POST("/v1/churn/labels", { body: { labels: [outcome] } }));
  return {
    score_churn: [answer.probability, answer.risk_band],
    explain_churn: [why.score, why.contributions.reduce((sum, each) => sum + each.contribution, why.base)],
    score_churn_batch: [byRow.answers.map((each) => each.probability), ...tables],
    label_churn: [stored.stored, stored.repeated],
  };
}

async function service() {
  const listed = found(await client.GET("/v1/models"));
  const text = { parseAs: "text" } as const;
  return {
    health: found(await anonymous.GET("/health")).status,
    ready: found(await anonymous.GET("/ready")).status,
    livez: found(await anonymous.GET("/livez")).status,
    healthz: found(await anonymous.GET("/healthz")).status,
    readyz: found(await anonymous.GET("/readyz")).status,
    models: listed.models.map((each) => [each.model, each.role, each.origin, each.metrics]),
    metrics: found(await client.GET("/metrics", text)).split("fusionguard_model_info{").length - 1,
    docs: found(await client.GET("/docs", text)).startsWith("<!doctype html>"),
    openapi: found(await client.GET("/openapi.json"))["openapi"],
    schema: found(await client.GET("/schema.json"))["name"],
  };
}

async function problems() {
  const invalid = refused(await client.POST("/v1/fraud/score", { body: { ...transaction, V7: 1e9 } }));
  const stranger = refused(await anonymous.GET("/v1/models"));
  return {
    422: [invalid.status, invalid.reason, invalid.errors, invalid.errors_in_all],
    401: [stranger.status, stranger.reason, stranger.errors === undefined],
  };
}

console.log(JSON.stringify({ ...(await fraud()), ...(await churn()), ...(await service()), ...(await problems()) }));
