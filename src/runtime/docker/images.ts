import type { ImageInspectInfo } from 'dockerode';
import type { ArtifactKey, InstallationId } from '../../model/ids.ts';
import type { Client, DockerConnection } from './connection/connection.ts';
import { isNotThere } from './connection/engine-error.ts';
import { allImages } from './connection/listing.ts';
import type { ImageFacts } from './containers/container-config.ts';
import { artifactOfTag, artifactTag } from './names.ts';

/** Images of this installation's artifacts. Our tag on an image is what makes it one: it is put there last, when all is whole. */
export class Images {
  readonly #connection: DockerConnection;
  readonly #installation: InstallationId;

  constructor(connection: DockerConnection, installation: InstallationId) {
    this.#connection = connection;
    this.#installation = installation;
  }

  /** The image of an artifact. */
  find({ docker }: Client, key: ArtifactKey): Promise<ImageInspectInfo | undefined> {
    return inspected(docker.getImage(artifactTag(this.#installation, key)).inspect());
  }

  /** What is needed to run an image, by its id, or by its artifact where the id is not known. */
  async facts(client: Client, artifact: { readonly key: ArtifactKey; readonly digest: string | null }) {
    const { key, digest } = artifact;
    const { docker } = client;
    const image = digest === null ? await this.find(client, key) : await inspected(docker.getImage(digest).inspect());
    return image === undefined ? undefined : imageFacts(image);
  }

  /** Artifacts that are there, with the ids of their images. */
  async all(): Promise<ReadonlyMap<ArtifactKey, string>> {
    const images = await this.#connection.ask('list of images', ({ docker }) => allImages(docker));
    return new Map(
      images.flatMap(({ Id, RepoTags }) =>
        (RepoTags ?? []).flatMap((tag) => {
          const key = artifactOfTag(this.#installation, tag);
          return key === undefined ? [] : [[key, Id] as const];
        }),
      ),
    );
  }

  /** Takes our tag away, and the image with it unless something else holds it. A container of it goes on. */
  async remove({ docker }: Client, key: ArtifactKey): Promise<void> {
    await docker
      .getImage(artifactTag(this.#installation, key))
      .remove({ force: true })
      .catch((error: unknown) => {
        if (!isNotThere(error)) throw error;
      });
  }
}

/** What a question for an image gives, or undefined where there is none. */
export function inspected(asked: Promise<ImageInspectInfo>): Promise<ImageInspectInfo | undefined> {
  return asked.catch((error: unknown) => {
    if (isNotThere(error)) return undefined;
    throw error;
  });
}

/** The id of an image as Docker writes it; Podman leaves the algorithm out. */
export function imageId(image: { readonly Id: string }): string {
  return image.Id.startsWith('sha256:') ? image.Id : `sha256:${image.Id}`;
}

function imageFacts(image: ImageInspectInfo): ImageFacts {
  const { Config: config } = image;
  const exposed = Object.keys(config?.ExposedPorts ?? {}).filter((port) => !port.endsWith('/udp'));
  return {
    id: imageId(image),
    ports: exposed.map((port) => Number.parseInt(port, 10)).filter((port) => port > 0),
    volumes: Object.keys(config?.Volumes ?? {}),
    user: config?.User ?? '',
  };
}
