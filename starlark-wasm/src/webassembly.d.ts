// What this package uses of WebAssembly's JavaScript API, which TypeScript only declares for browsers.
declare namespace WebAssembly {
  class Module {
    private readonly brand;
    static imports(module: Module): { module: string; name: string; kind: string }[];
  }
  class Instance {
    constructor(module: Module, imports: Record<string, ModuleImports>);
    readonly exports: Record<string, unknown>;
  }
  interface Memory {
    readonly buffer: ArrayBuffer;
  }
  class RuntimeError extends Error {}
  type ModuleImports = Record<string, (...args: never[]) => unknown>;
  function compile(wasm: Uint8Array<ArrayBuffer>): Promise<Module>;
}
