/** Traces that a test can look at, with the parts of an SDK that the API leaves out. */
import { AsyncLocalStorage } from "node:async_hooks";
import {
  type Context,
  context,
  type ContextManager,
  propagation,
  ROOT_CONTEXT,
  type TextMapPropagator,
  trace,
  TraceFlags,
} from "@opentelemetry/api";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";

/** What was traced. */
export interface Traced extends Disposable {
  /** Spans that have ended, in that order. */
  spans(): ReadableSpan[];
  /** The one of this name. */
  span(name: string): ReadableSpan;
}

/** Registers a tracer until the end of the block. */
export function tracing(sampler?: Sampler): Traced {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(exporter)],
    ...sampler === undefined ? {} : { sampler },
  });
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new LocalContexts());
  propagation.setGlobalPropagator(new TraceParent());
  const spans = () => exporter.getFinishedSpans();
  return {
    spans,
    span(name) {
      const [span, ...others] = spans().filter((span) => span.name === name);
      if (span !== undefined && others.length === 0) return span;
      throw new Error(`expected one ${name} among ${spans().map(({ name }) => name).join(", ")}`);
    },
    [Symbol.dispose]() {
      trace.disable();
      context.disable();
      propagation.disable();
    },
  };
}

/** Contexts that follow calls, as those of the SDK for Node do. */
class LocalContexts implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Context>();

  active(): Context {
    return this.#storage.getStore() ?? ROOT_CONTEXT;
  }

  with<Args extends unknown[], Run extends (...args: Args) => ReturnType<Run>>(
    within: Context,
    run: Run,
    thisArg?: ThisParameterType<Run>,
    ...args: Args
  ): ReturnType<Run> {
    return this.#storage.run(within, () => run.apply(thisArg, args));
  }

  bind<Target>(within: Context, target: Target): Target {
    if (typeof target !== "function") return target;
    const run = (...args: unknown[]) => this.#storage.run(within, () => target(...args));
    return run as Target;
  }

  enable(): this {
    return this;
  }

  disable(): this {
    this.#storage.disable();
    return this;
  }
}

/** The header of the W3C, as far as a test needs it. */
class TraceParent implements TextMapPropagator {
  inject(
    within: Context,
    carrier: unknown,
    setter: { set(c: unknown, k: string, v: string): void },
  ) {
    const span = trace.getSpanContext(within);
    if (span === undefined) return;
    const flags = span.traceFlags.toString(16).padStart(2, "0");
    setter.set(carrier, "traceparent", `00-${span.traceId}-${span.spanId}-${flags}`);
  }

  extract(within: Context, carrier: unknown, getter: { get(c: unknown, k: string): unknown }) {
    const header = getter.get(carrier, "traceparent");
    const [, traceId, spanId, flags] =
      /^00-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})$/.exec(String(header)) ?? [];
    if (traceId === undefined) return within;
    const traceFlags = Number.parseInt(flags!, 16) & TraceFlags.SAMPLED;
    return trace.setSpanContext(within, { traceId, spanId: spanId!, traceFlags, isRemote: true });
  }

  fields(): string[] {
    return ["traceparent"];
  }
}
