import { z } from 'zod';
import { DURATION_FORM, parseDurationMs, parseSizeBytes, SIZE_FORM } from '../model/duration.ts';

const OPTION_NAME = /^[a-z][a-z0-9_]{0,39}$/;
const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

const line = z
  .string()
  .min(1)
  .max(500)
  .regex(/^[^\0\r\n]*$/, 'expected one line of text');
const text = z
  .string()
  .max(2_000)
  .regex(/^[^\0]*$/, 'expected text without a NUL character');
const duration = z
  .string()
  .refine((value) => parseDurationMs(value) !== undefined, { error: `expected ${DURATION_FORM}` });
const size = z.string().refine((value) => parseSizeBytes(value) !== undefined, { error: `expected ${SIZE_FORM}` });
const requestPath = z
  .string()
  .regex(/^(\/|\{APP_PATH\}\/)[^\s#\\]*$/, 'expected a path such as "/healthz" or "{APP_PATH}/ping"');
const optionName = z.string().regex(OPTION_NAME, 'expected a name of lower-case letters, digits and "_"');
const variableName = z.string().regex(VARIABLE_NAME, 'expected the name of an environment variable');
const fileName = z
  .string()
  .regex(
    /^[^/\0\r\n\\]+\/?$/,
    'expected the name of a file at the top of the source, or of a folder with a slash at the end',
  );

const described = { description: line, required: z.boolean().optional() };

/** One option: its type with what goes with it. */
const option = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('text'),
    ...described,
    default: text.optional(),
    from_files: z.array(fileName).min(1).max(20).optional(),
    as: line.optional(),
  }),
  z.strictObject({
    type: z.literal('path'),
    ...described,
    default: line.optional(),
    from_files: z.array(fileName).min(1).max(20).optional(),
    as: line.optional(),
  }),
  z.strictObject({ type: z.literal('flag'), ...described, default: z.boolean().optional() }),
  z.strictObject({ type: z.literal('size'), ...described, default: size.optional() }),
  z.strictObject({ type: z.literal('duration'), ...described, default: duration.optional() }),
  z.strictObject({ type: z.literal('url'), ...described, default: line.optional() }),
  z.strictObject({ type: z.literal('command'), ...described, default: line.optional() }),
  z.strictObject({ type: z.literal('list'), ...described, default: z.array(text).optional() }),
  z.strictObject({
    type: z.enum(['integer', 'number']),
    ...described,
    default: z.number().optional(),
    min: z.number().optional(),
    max: z.number().optional(),
  }),
  z.strictObject({ type: z.literal('choice'), ...described, of: z.array(line).min(1), default: line.optional() }),
]);

const health = z.strictObject({
  path: requestPath.optional(),
  expect: z.int().min(100).max(599).optional(),
  interval: duration.optional(),
  timeout: duration.optional(),
});

const idle = z.union([
  z.literal(false),
  duration,
  z.strictObject({ pause: duration.optional(), stop: duration.optional() }),
]);

const detect = z.strictObject({
  files: z.array(fileName).min(1).max(20).optional(),
  dependencies: z
    .array(
      z
        .string()
        .regex(
          /^(python|node|java):[^\s:]+$/,
          'expected a package such as "python:flask", "node:hono" or "java:spring-boot-starter-web"',
        ),
    )
    .min(1)
    .max(50)
    .optional(),
  script: line.optional(),
  order: z.int().min(0).max(1_000).default(50),
});

/** The shape of `spec.toml`. */
export const manifestSchema = z.strictObject({
  description: line,
  /** Whether an app of it has a source. */
  source: z.boolean().default(true),
  /** `source`: the Containerfile is the source's own. */
  build: z.literal('source').optional(),
  /** An image of a registry, in place of a build. */
  image: line.optional(),
  /** The Containerfile is that of another spec. */
  containerfile_of: line.optional(),
  args: z.record(variableName, text).default({}),
  command: z.array(text).max(50).default([]),
  port: z.int().min(1).max(65_535).optional(),
  strip_path: z.boolean().default(true),
  /** Whether an app may not say otherwise. */
  strip_path_fixed: z.boolean().default(false),
  slash: z.boolean().default(false),
  health: health.optional(),
  idle: idle.optional(),
  variables: z.record(variableName, text).default({}),
  needs: z
    .array(z.union([fileName, z.array(fileName).min(1)]))
    .max(20)
    .default([]),
  app_config: z.record(optionName, option).default({}),
  params: z.record(variableName, option).default({}),
  detect: detect.optional(),
});

/** A manifest, checked. */
export type Manifest = z.infer<typeof manifestSchema>;
/** One option of a manifest, checked. */
export type ManifestOption = z.infer<typeof option>;
