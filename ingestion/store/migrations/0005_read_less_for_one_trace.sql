-- A trace's spans lie together, a few among a thousand: of each column a whole compressed block is unpacked for them. By
-- default a block is not ended before it holds 64 kB, which of a narrow column is tens of thousands of rows. Holds for parts
-- that are written from here on.
ALTER TABLE {{table:spans}} MODIFY SETTING min_compress_block_size = 4096;
