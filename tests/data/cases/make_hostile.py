# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes hostile model files, each made by a function, into a folder: python make_hostile.py FOLDER [NAME…]. Standard library only.

Every function returns {file name: bytes}; the first is the model, the others lie beside it (companions are named part-N.ext).
"""
from __future__ import annotations

import json
import struct
import sys
import zlib
from pathlib import Path

TRI = struct.pack("<9f", 0, 0, 0, 1, 0, 0, 0, 1, 0)


def glb(d: dict | bytes, b: bytes = TRI, *, total=None, jlen=None, blen=None) -> bytes:
    text = d if isinstance(d, bytes) else json.dumps(d, ensure_ascii=False).encode()
    text += b" " * (-len(text) % 4)
    b += b"\0" * (-len(b) % 4)
    body = struct.pack("<I4s", len(text) if jlen is None else jlen, b"JSON") + text
    body += struct.pack("<I4s", len(b) if blen is None else blen, b"BIN\0") + b
    return struct.pack("<4sII", b"glTF", 2, 12 + len(body) if total is None else total) + body


def doc(**more) -> dict:
    """One triangle."""
    return {
        "asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": [0]}], "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "material": 0}]}], "materials": [{}],
        "accessors": [{"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3", "min": [0, 0, 0], "max": [1, 1, 0]}],
        "bufferViews": [{"buffer": 0, "byteLength": 36}], "buffers": [{"byteLength": 36}],
    } | more


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_bomb(w: int, h: int, depth: int = 1, kind: int = 0) -> bytes:
    c, out = zlib.compressobj(9), []
    per = {0: 1, 2: 3, 6: 4}[kind]
    line = b"\0" * (1 + (w * depth * per + 7) // 8)
    for _ in range(h):
        out.append(c.compress(line))
    out.append(c.flush())
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, depth, kind, 0, 0, 0)) + chunk(b"IDAT", b"".join(out)) + chunk(b"IEND", b"")


def textured(image: dict, extra: bytes = b"", **more) -> bytes:
    d = doc(images=[image], textures=[{"source": 0}], materials=[{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}])
    if extra:
        d["bufferViews"].append({"buffer": 0, "byteOffset": 36, "byteLength": len(extra)})
        d["buffers"][0]["byteLength"] = 36 + len(extra)
    return glb(d | more, TRI + extra)


SQUARE = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\nf 1/1 2/2 3/3 4/4\n"


def obj(head: str = "", tail: str = "", mtl: str | None = None) -> dict:
    files = {"m.obj": (head + SQUARE + tail).encode()}
    if mtl is not None:
        files["part-1.mtl"] = mtl.encode()
    return files


def ply(head: str, body: bytes) -> bytes:
    return head.encode() + body


CASES = {}


def case(f):
    CASES[f.__name__] = f
    return f


# --- GLB: what leads out of the file
@case
def glb_uri_file(): return {"m.glb": textured({"uri": "file:///etc/passwd"})}
@case
def glb_uri_up(): return {"m.glb": textured({"uri": "../../secret.png"})}
@case
def glb_uri_http(): return {"m.glb": textured({"uri": "http://127.0.0.1:9/x"})}
@case
def glb_uri_unc(): return {"m.glb": textured({"uri": "\\\\host\\share\\x.png"})}
@case
def glb_buffer_uri(): return {"m.glb": glb(doc(buffers=[{"byteLength": 36}, {"byteLength": 9, "uri": "/etc/passwd"}]))}
@case
def glb_uri_DATA_case():
    # Blender's importer knows "data:" in lower case only; anything else is a path.
    return {"m.glb": textured({"uri": "DATA:/../../../secret.png"})}
@case
def glb_buffer_DATA_case():
    d = doc(buffers=[{"byteLength": 36, "uri": "DATA:/../../../secret.bin"}])
    return {"m.glb": glb(d)}
@case
def glb_data_path_image():
    # Lower case, but without ";base64,": Blender's importer takes the rest for a path, and makes "data:/.." nothing.
    return {"m.glb": textured({"uri": "data:/../../../secret.png"})}
@case
def glb_uri_number(): return {"m.glb": textured({"uri": 7})}
@case
def glb_uri_list(): return {"m.glb": textured({"uri": ["d", "a", "t", "a", ":"]})}
@case
def glb_data_uri_5mb():
    return {"m.glb": textured({"uri": "data:image/png;base64," + "A" * 5_000_000})}
@case
def glb_data_uri_bad_base64(): return {"m.glb": textured({"uri": "data:image/png;base64,@@@@"})}
@case
def glb_data_no_comma(): return {"m.glb": textured({"uri": "data:"})}

# --- GLB: lies
@case
def glb_total_lies(): return {"m.glb": glb(doc(), total=2**31)}
@case
def glb_json_len_lies(): return {"m.glb": glb(doc(), jlen=2**32 - 1)}
@case
def glb_bin_len_lies(): return {"m.glb": glb(doc(), blen=2**32 - 8)}
@case
def glb_count_2_31():
    d = doc(); d["accessors"][0]["count"] = 2**31
    return {"m.glb": glb(d)}
@case
def glb_count_2_31_unbacked():
    d = doc(); d["accessors"][0]["count"] = 2**31; del d["accessors"][0]["bufferView"]
    return {"m.glb": glb(d)}
@case
def glb_unbacked_99m_vec3():
    d = doc(); d["accessors"][0]["count"] = 99_000_000; del d["accessors"][0]["bufferView"]
    return {"m.glb": glb(d)}
@case
def glb_unbacked_mat4_99m():
    d = doc(); d["accessors"].append({"componentType": 5126, "count": 99_000_000, "type": "MAT4"})
    d["skins"] = [{"joints": [0], "inverseBindMatrices": 1}]; d["nodes"][0]["skin"] = 0
    return {"m.glb": glb(d)}
@case
def glb_sparse_out():
    d = doc(); b = TRI + struct.pack("<I", 4_000_000_000) + struct.pack("<3f", 9, 9, 9)
    d["bufferViews"] += [{"buffer": 0, "byteOffset": 36, "byteLength": 4}, {"buffer": 0, "byteOffset": 40, "byteLength": 12}]
    d["buffers"][0]["byteLength"] = len(b)
    d["accessors"][0]["sparse"] = {"count": 1, "indices": {"bufferView": 1, "componentType": 5125}, "values": {"bufferView": 2}}
    return {"m.glb": glb(d, b)}
@case
def glb_sparse_short_view():
    d = doc(); b = TRI + b"\0" * 16
    d["bufferViews"] += [{"buffer": 0, "byteOffset": 36, "byteLength": 1}, {"buffer": 0, "byteOffset": 40, "byteLength": 1}]
    d["buffers"][0]["byteLength"] = len(b)
    d["accessors"][0]["sparse"] = {"count": 3, "indices": {"bufferView": 1, "componentType": 5125}, "values": {"bufferView": 2}}
    return {"m.glb": glb(d, b)}
@case
def glb_indices_out():
    d = doc(); b = TRI + struct.pack("<3I", 0, 1, 4_000_000_000)
    d["bufferViews"].append({"buffer": 0, "byteOffset": 36, "byteLength": 12}); d["buffers"][0]["byteLength"] = len(b)
    d["accessors"].append({"bufferView": 1, "componentType": 5125, "count": 3, "type": "SCALAR"})
    d["meshes"][0]["primitives"][0]["indices"] = 1
    return {"m.glb": glb(d, b)}
@case
def glb_joints_out():
    d = doc(); b = TRI + struct.pack("<12H", *[65535] * 12) + struct.pack("<12f", *[1.0] * 12)
    d["bufferViews"] += [{"buffer": 0, "byteOffset": 36, "byteLength": 24}, {"buffer": 0, "byteOffset": 60, "byteLength": 48}]
    d["buffers"][0]["byteLength"] = len(b)
    d["accessors"] += [{"bufferView": 1, "componentType": 5123, "count": 3, "type": "VEC4"}, {"bufferView": 2, "componentType": 5126, "count": 3, "type": "VEC4"}]
    d["meshes"][0]["primitives"][0]["attributes"] |= {"JOINTS_0": 1, "WEIGHTS_0": 2}
    d["nodes"] = [{"mesh": 0, "skin": 0}, {}]; d["scenes"][0]["nodes"] = [0, 1]; d["skins"] = [{"joints": [1]}]
    return {"m.glb": glb(d, b)}
@case
def glb_nan_matrix():
    d = doc(); d["nodes"][0]["matrix"] = [float("nan")] * 16
    return {"m.glb": glb(d)}
@case
def glb_huge_scale():
    d = doc(); d["nodes"][0]["scale"] = [1e300] * 3
    return {"m.glb": glb(d)}
@case
def glb_overlapping_attributes():
    d = doc(); d["meshes"][0]["primitives"][0]["attributes"] |= {"NORMAL": 0, "TANGENT": 0, "TEXCOORD_0": 0, "COLOR_0": 0, "JOINTS_0": 0, "WEIGHTS_0": 0, "_X" * 500: 0}
    return {"m.glb": glb(d)}
@case
def glb_attribute_lengths_differ():
    d = doc(); d["accessors"].append({"bufferView": 0, "componentType": 5126, "count": 1, "type": "VEC3"})
    d["meshes"][0]["primitives"][0]["attributes"]["NORMAL"] = 1
    return {"m.glb": glb(d)}

# --- GLB: graphs
@case
def glb_deep_json(): return {"m.glb": glb(b'{"asset":' + b"[" * 100_000 + b"]" * 100_000 + b"}")}
@case
def glb_deep_extras():
    return {"m.glb": glb(json.dumps(doc()).encode()[:-1] + b',"extras":' + b'{"a":' * 900 + b"1" + b"}" * 900 + b"}")}
@case
def glb_self_child():
    d = doc(); d["nodes"][0]["children"] = [0]
    return {"m.glb": glb(d)}
@case
def glb_cycle():
    d = doc(); d["nodes"] = [{"mesh": 0, "children": [1]}, {"children": [2]}, {"children": [0]}]
    return {"m.glb": glb(d)}
@case
def glb_cycle_not_from_scene():
    d = doc(); d["nodes"] = [{"mesh": 0}, {"children": [2]}, {"children": [1]}]
    return {"m.glb": glb(d)}
@case
def glb_two_parents():
    d = doc(); d["nodes"] = [{"mesh": 0, "children": [2]}, {"children": [2]}, {}]; d["scenes"][0]["nodes"] = [0, 1]
    return {"m.glb": glb(d)}
@case
def glb_chain_2000():
    d = doc(); d["nodes"] = [{"mesh": 0, "children": [1]}] + [{"children": [i + 2]} for i in range(2000)] + [{}]
    return {"m.glb": glb(d)}
@case
def glb_nodes_5k():
    d = doc(); d["nodes"] = [{"mesh": 0}] * 5_000; d["scenes"][0]["nodes"] = list(range(5_000))
    return {"m.glb": glb(d)}
@case
def glb_nodes_150k():
    d = doc(); d["nodes"] = [{"mesh": 0}] * 150_000; d["scenes"][0]["nodes"] = list(range(150_000))
    return {"m.glb": glb(d)}
@case
def glb_materials_5k():
    d = doc(materials=[{"name": f"m{i}"} for i in range(5000)])
    d["meshes"][0]["primitives"] = [{"attributes": {"POSITION": 0}, "material": i} for i in range(5000)]
    return {"m.glb": glb(d)}
@case
def glb_names():
    d = doc(); bad = "a\u0000b\nc\u202egnp.exe\u202c" + "x" * 100_000
    d["nodes"][0]["name"] = bad; d["meshes"][0]["name"] = bad; d["materials"] = [{"name": bad}]; d["scenes"][0]["name"] = bad
    d["nodes"].append({"name": bad, "mesh": 0}); d["scenes"][0]["nodes"] = [0, 1]
    return {"m.glb": glb(d)}
@case
def glb_image_name_path():
    d = textured({"bufferView": 1, "mimeType": "image/png", "name": "../../../../evil-name"}, png_bomb(8, 8))
    return {"m.glb": d}
@case
def glb_image_name_long():
    return {"m.glb": textured({"bufferView": 1, "mimeType": "image/png", "name": "n" * 5000}, png_bomb(8, 8))}

# --- GLB: what grows
@case
def glb_primitives_shared_50x1m():
    """1M vertices (12 MB of zeros; few bytes when sent packed), named by 50 primitives."""
    n = 1_000_000
    d = doc(); d["accessors"][0] |= {"count": n}; d["bufferViews"][0]["byteLength"] = 12 * n; d["buffers"][0]["byteLength"] = 12 * n
    d["meshes"][0]["primitives"] = [{"attributes": {"POSITION": 0}}] * 50
    return {"m.glb": glb(d, TRI + b"\0" * (12 * n - 36))}
@case
def glb_morph_1000x1m():
    d = doc(); d["accessors"] = [{"componentType": 5126, "count": 1_000_000, "type": "VEC3"}]
    d["meshes"][0]["primitives"] = [{"attributes": {"POSITION": 0}, "targets": [{"POSITION": 0}] * 1000}]
    return {"m.glb": glb(d)}
@case
def glb_animation_keys():
    d = doc(); n = 5_000_000
    d["accessors"] += [{"componentType": 5126, "count": n, "type": "SCALAR"}, {"componentType": 5126, "count": n, "type": "VEC3"}]
    d["animations"] = [{"samplers": [{"input": 1, "output": 2}], "channels": [{"sampler": 0, "target": {"node": 0, "path": "translation"}}]}]
    return {"m.glb": glb(d)}
@case
def glb_png_bomb_60000(): return {"m.glb": textured({"bufferView": 1, "mimeType": "image/png"}, png_bomb(60_000, 60_000))}
@case
def glb_ktx2(): return {"m.glb": textured({"bufferView": 1, "mimeType": "image/ktx2"}, b"\xabKTX 20\xbb\r\n\x1a\n" + b"\xff" * 200)}
@case
def glb_webp_bad(): return {"m.glb": textured({"bufferView": 1, "mimeType": "image/webp"}, b"RIFF\xff\xff\xff\x7fWEBPVP8L\xff\xff\xff\x7f\x2f" + b"\xff" * 200)}
@case
def glb_exr_as_image(): return {"m.glb": textured({"bufferView": 1, "mimeType": "image/png"}, b"\x76\x2f\x31\x01\x02\0\0\0" + b"A" * 400)}
@case
def glb_draco_bad():
    d = doc(extensionsUsed=["KHR_draco_mesh_compression"], extensionsRequired=["KHR_draco_mesh_compression"])
    blob = b"DRACO\x02\x02\x01\x01\x00\x00" + bytes((i * 37) % 256 for i in range(300))
    d["bufferViews"].append({"buffer": 0, "byteOffset": 36, "byteLength": len(blob)}); d["buffers"][0]["byteLength"] = 36 + len(blob)
    d["accessors"].append({"componentType": 5125, "count": 3, "type": "SCALAR"}); del d["accessors"][0]["bufferView"]
    d["meshes"][0]["primitives"] = [{"attributes": {"POSITION": 0}, "indices": 1, "extensions": {"KHR_draco_mesh_compression": {"bufferView": 1, "attributes": {"POSITION": 0}}}}]
    return {"m.glb": glb(d, TRI + blob)}
@case
def glb_meshopt():
    d = doc(extensionsUsed=["EXT_meshopt_compression"], extensionsRequired=["EXT_meshopt_compression"])
    d["bufferViews"][0]["extensions"] = {"EXT_meshopt_compression": {"buffer": 0, "byteLength": 36, "byteStride": 12, "count": 2**31, "mode": "ATTRIBUTES"}}
    return {"m.glb": glb(d)}

# --- GLB: extras and the add-on's own marks
@case
def glb_extras_ours():
    d = doc(); d["nodes"][0]["extras"] = {
        "image_to_3d_picture_url": "https://evil.example/login?pretend=modelslab", "image_to_3d_group": "evil-group",
        "image_to_3d_placeholder": "20250101-000000-000000-00000000", "image_to_3d_webhook": "https://evil.example/hook"}
    d["meshes"][0]["extras"] = {"image_to_3d_job": "x"}; d["materials"] = [{"extras": {"image_to_3d_group": "x"}}]
    return {"m.glb": glb(d)}
@case
def glb_extras_code():
    d = doc(); code = "__import__('os').system('touch pwned')"
    e = {"driver": code, "expression": code, "#frame": code, "_RNA_UI": {"x": {"default": code}}, "rig_ui": code, "cycles": {"x": code}, "__import__": code, "": 1}
    for part in (d["nodes"][0], d["meshes"][0], d["scenes"][0]):
        part["extras"] = e
    d["materials"] = [{"extras": e}]
    return {"m.glb": glb(d)}

# --- OBJ
@case
def obj_mtllib_up(): return obj("mtllib ../../secret.mtl\nusemtl a\n")
@case
def obj_mtllib_passwd(): return obj("mtllib ../../../../../../../etc/passwd\nusemtl a\n")
@case
def obj_mtllib_abs(): return obj("mtllib /etc/passwd\nusemtl a\n")
@case
def obj_mtllib_url(): return obj("mtllib http://127.0.0.1:9/x.mtl\nusemtl a\n")
@case
def obj_mtllib_devzero(): return obj("mtllib /dev/zero\nusemtl a\n")
@case
def obj_mtllib_stdin(): return obj("mtllib /dev/stdin\nusemtl a\n")
@case
def obj_map_abs(): return obj("mtllib part-1.mtl\nusemtl a\n", mtl="newmtl a\nKd 1 1 1\nmap_Kd @SECRET@\n")
@case
def obj_map_up(): return obj("mtllib part-1.mtl\nusemtl a\n", mtl="newmtl a\nKd 1 1 1\nmap_Kd ../../secret.png\n")
@case
def obj_map_devzero(): return obj("mtllib part-1.mtl\nusemtl a\n", mtl="newmtl a\nmap_Kd /dev/zero\n")
@case
def obj_map_unc(): return obj("mtllib part-1.mtl\nusemtl a\n", mtl="newmtl a\nmap_Kd \\\\host\\share\\x.png\nmap_Bump -bm 1e999 \\\\host\\c$\\y.png\n")
@case
def obj_groups_100k(): return obj("", "".join(f"o g{i}\nf 1 2 3\n" for i in range(100_000)))
@case
def obj_empty_groups_1m(): return obj("", "".join(f"g {i}\n" for i in range(1_000_000)))
@case
def obj_materials_100k(): return obj("", "".join(f"usemtl m{i}\nf 1 2 3\n" for i in range(100_000)))
@case
def obj_index_out(): return obj("", "f 1 2 2147483647\nf -2147483648 1 2\nf 1/999999999/999999999 2/-99/-99 3//5\nf 1 2 3\n")
@case
def obj_ngon_1m(): return obj("", "f " + " ".join(["1", "2", "3", "4"] * 250_000) + "\n")
@case
def obj_nurbs(): return obj("", "cstype bspline\ndeg 2147483647\ncurv 0 1 1 2 3 4\nparm u 0 1\nend\ncstype rat bspline\ndeg 3 3\nsurf 0 1 0 1 1 2 3 4\nparm u " + "0 " * 10000 + "\nend\n")
@case
def obj_nurbs_degree(): return obj("", "".join("cstype bspline\ndeg 1000\ncurv 0 1 " + "1 2 3 4 " * 100 + "\nparm u " + " ".join(map(str, range(1500))) + "\nend\n" for _ in range(50)))
@case
def obj_call(): return obj("call x.obj\ncsh touch pwned\n-csh touch pwned\nmaplib /etc/passwd\nshadow_obj /etc/passwd\ntrace_obj /etc/passwd\n")
@case
def obj_long_line(): return obj("# " + "x" * 20_000_000 + "\n")
@case
def obj_backslash(): return obj("", "\\\n" * 2_000_000 + "\n")
@case
def obj_nan_line():
    """One line of vertices without an end, and the word that has the whole text searched."""
    return obj("", "v " + "1 " * 2_000_000 + "\n# nan\n")
@case
def obj_mtl_deep(): return obj("mtllib part-1.mtl\nusemtl a\n", mtl="newmtl a\n" + "map_Kd " + "-s 1 1 1 " * 100_000 + "x.png\n")
@case
def obj_mtl_100k(): return obj("mtllib part-1.mtl\nusemtl a\n", mtl="".join(f"newmtl a{i}\nmap_Kd x{i}.png\n" for i in range(20_000)))

@case
def obj_curv_out():
    """One vertex number too high in a curve kills Blender's importer (signal 11)."""
    return obj("", "cstype rat bspline\ndeg 3 3\ncurv 0 1 1 2 3 65535\nparm u 0 0 0 0 1 1 1 1\nend\n")


# --- PLY, STL
@case
def ply_uv_index_out():
    h = "ply\nformat binary_little_endian 1.0\nelement vertex 4\nproperty float x\nproperty float y\nproperty float z\nproperty float s\nproperty float t\nelement face 2\nproperty list uchar uint vertex_indices\nend_header\n"
    v = struct.pack("<20f", 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 1, 1, 0, 1, 1, 0, 1, 0, 0, 1)
    return {"m.ply": h.encode() + v + struct.pack("<B3I", 3, 0, 1, 3_000_000_000) + struct.pack("<B3I", 3, 0, 1, 2)}
P = "ply\nformat {} 1.0\nelement vertex {}\nproperty float x\nproperty float y\nproperty float z\nelement face {}\nproperty list {} {} vertex_indices\nend_header\n"
@case
def ply_count_lies(): return {"m.ply": ply(P.format("binary_little_endian", 199_999_999, 1, "uchar", "int"), TRI)}
@case
def ply_ascii_count_lies(): return {"m.ply": ply(P.format("ascii", 199_999_999, 1, "uchar", "int"), b"0 0 0\n" * 9)}
@case
def ply_index_out(): return {"m.ply": ply(P.format("binary_little_endian", 3, 1, "uchar", "int"), TRI + struct.pack("<B3i", 3, 0, 1, 2_000_000_000))}
@case
def ply_index_negative(): return {"m.ply": ply(P.format("binary_little_endian", 3, 1, "uchar", "int"), TRI + struct.pack("<B3i", 3, 0, 1, -5))}
@case
def ply_ascii_index_out(): return {"m.ply": ply(P.format("ascii", 3, 2, "uchar", "int"), b"0 0 0\n1 0 0\n0 1 0\n3 0 1 2000000000\n3 0 1 2\n")}
@case
def ply_ascii_list_lies(): return {"m.ply": ply(P.format("ascii", 3, 2, "int", "int"), b"0 0 0\n1 0 0\n0 1 0\n2000000000 0 1 2\n3 0 1 2\n")}
@case
def ply_list_int_lies(): return {"m.ply": ply(P.format("binary_little_endian", 3, 1, "int", "int"), TRI + struct.pack("<i", 2_000_000_000))}
@case
def ply_list_double_count(): return {"m.ply": ply(P.format("binary_little_endian", 3, 1, "double", "double"), TRI + struct.pack("<4d", 3, 0, 1, 2))}
@case
def ply_properties_1000():
    h = "ply\nformat binary_little_endian 1.0\nelement vertex 3\n" + "".join(f"property double p{i}\n" for i in range(1000)) + "property float x\nproperty float y\nproperty float z\nelement face 1\nproperty list uchar int vertex_indices\nend_header\n"
    return {"m.ply": ply(h, (b"\0" * 8000 + TRI[:12]) * 3 + struct.pack("<B3i", 3, 0, 1, 2))}
@case
def ply_tristrips(): return {"m.ply": ply("ply\nformat binary_little_endian 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\nelement tristrips 1\nproperty list int int vertex_indices\nend_header\n", TRI + struct.pack("<i4i", 4, 0, -1, 2, 99999))}
@case
def ply_edges_out(): return {"m.ply": ply("ply\nformat binary_little_endian 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\nelement face 1\nproperty list uchar int vertex_indices\nelement edge 1\nproperty int vertex1\nproperty int vertex2\nend_header\n", TRI + struct.pack("<B3i", 3, 0, 1, 2) + struct.pack("<2i", -7, 2_000_000_000))}
@case
def stl_count_lies(): return {"m.stl": b"\0" * 80 + struct.pack("<I", 2**32 - 1) + b"\0" * 50}
@case
def stl_count_lies_solid(): return {"m.stl": b"solid".ljust(80, b"x") + struct.pack("<I", 2**31) + b"\0" * 50}
@case
def stl_vertex_line():
    """Valid triangles, then one line of the word "vertex": a search for "vertex … nan" begins anew at each."""
    tri = "facet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 1 0 0\nvertex 0 1 0\nendloop\nendfacet\n"
    return {"m.stl": ("solid x\n" + tri * 2 + "# " + "vertex" * 30_000 + "\nendsolid x\n").encode()}
@case
def stl_nan(): return {"m.stl": b"\0" * 80 + struct.pack("<I", 2) + (struct.pack("<12f", *[float("nan")] * 12) + b"\0\0") * 2}
@case
def stl_ascii_no_numbers(): return {"m.stl": b"solid x\n" + b"facet normal a b c\nouter loop\nvertex\nvertex x\nendloop\nendfacet\n" * 100 + b"endsolid\n"}


if __name__ == "__main__":
    out = Path(sys.argv[1])
    for name in sys.argv[2:] or CASES:
        place = out / name
        place.mkdir(parents=True, exist_ok=True)
        for file, content in CASES[name]().items():
            (place / file).write_bytes(content)
