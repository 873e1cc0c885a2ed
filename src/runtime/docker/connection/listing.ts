import type Docker from 'dockerode';
import type { ContainerInfo, ImageInfo, NetworkInspectInfo, VolumeInspectInfo } from 'dockerode';

/** All containers with these labels (`name=value`), running or not. */
export function containersWith(docker: Docker, label: readonly string[]): Promise<ContainerInfo[]> {
  return docker.listContainers({ all: true, filters: { label: [...label] } });
}

/** All networks with these labels; all there are without any. */
export function networksWith(docker: Docker, label: readonly string[]): Promise<NetworkInspectInfo[]> {
  return docker.listNetworks(label.length === 0 ? {} : { filters: { label: [...label] } });
}

/** All volumes with these labels. */
export async function volumesWith(docker: Docker, label: readonly string[]): Promise<VolumeInspectInfo[]> {
  const asked: Promise<{ readonly Volumes: VolumeInspectInfo[] | null }> = docker.listVolumes({
    filters: { label: [...label] },
  });
  return (await asked).Volumes ?? [];
}

/** Images without a name that carry a label (`name=value`). */
export function danglingImagesWith(docker: Docker, label: string): Promise<ImageInfo[]> {
  return docker.listImages({ filters: { dangling: ['true'], label: [label] } });
}

/** All images, those that only others are made of left out. */
export function allImages(docker: Docker): Promise<ImageInfo[]> {
  return docker.listImages();
}
